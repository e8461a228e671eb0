"""Redirect the output of libraries to a log file, and keep the terminal for the user."""

import contextlib
import io
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from pipeline.logs import OUR_LOGGER, VERDICT_LOGGER
from pipeline.logs.warnings_log import library_messages_in
from pipeline.terminal.safe_console import SafeConsole
from pipeline.terminal.standard_streams import indented


@contextlib.contextmanager
def captured_output(path: Path) -> Iterator[Console]:
    """Redirect stdout and stderr of this process to a file, including output of C++ libraries.

    Child processes inherit the redirection. What cannot be written because the disk is full is
    dropped: a message of a library never fails a run.

    Args:
        path: Path of the log file. It is created with its folder, or appended to.

    Yields:
        A console on the original stdout.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    with path.open("ab") as file, _open_terminal() as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        out, err = _LenientStream(sys.stdout), _LenientStream(sys.stderr)
        try:
            # Each is a stream for all purposes, see `_LenientStream`.
            with (
                contextlib.redirect_stdout(out),  # type: ignore[type-var]
                contextlib.redirect_stderr(err),  # type: ignore[type-var]
                library_messages_in(sys.stderr),
            ):
                yield SafeConsole(file=terminal)
        finally:
            for number, stream in enumerate((sys.stdout, sys.stderr), start=1):
                _flush_or_drop(stream, number)
                os.dup2(saved[number - 1], number)
                os.close(saved[number - 1])


def _flush_or_drop(stream: TextIO, number: int) -> None:
    """Write what is left in the buffer of a stream, or drop it where the disk is full.

    Otherwise it would appear on the terminal, to which the stream is directed next.
    """
    try:
        stream.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, number)
        os.close(nothing)
        with contextlib.suppress(OSError):
            stream.flush()


class _LenientStream:
    """Stands for `sys.stdout` or `sys.stderr`, and drops what the disk has no space for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text; return the number of its characters."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write the buffer."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def log_traceback() -> None:
    """Write the traceback of the error that is being handled to stderr, which is the log.

    It is one entry: its further lines are indented, so that no name in it can pass for an entry.
    """
    print(indented(traceback.format_exc().rstrip()), file=sys.stderr)


def _open_terminal() -> io.TextIOWrapper:
    """Open the original stdout once more, so that nothing that is printed on it can fail."""
    raw = io.BufferedWriter(_LenientFile(os.dup(1), "w"))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return io.TextIOWrapper(raw, encoding=encoding, errors="replace")


class _LenientFile(io.FileIO):
    """File that drops what its reader no longer reads: a run outlives `| head` and a lost pipe."""

    def write(self, data: Any) -> int:
        """See `io.FileIO`."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


@contextlib.contextmanager
def relayed_messages(show: Callable[[str], None]) -> Iterator[None]:
    """Pass every message of our own loggers, from level INFO on, to a function.

    The messages of `VERDICT_LOGGER` are left out: the summary of a run tells them.

    Args:
        show: Function that shows one message to the user.
    """
    relay = _Relay(show)
    ours = logging.getLogger(OUR_LOGGER)
    ours.setLevel(logging.INFO)
    ours.addHandler(relay)
    try:
        yield
    finally:
        ours.removeHandler(relay)


class _Relay(logging.Handler):
    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._show = show

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != VERDICT_LOGGER:
            self._show(record.getMessage())

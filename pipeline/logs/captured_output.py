"""Redirect the output of libraries to a log file, and keep the terminal for the user."""

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.logs import OUR_LOGGER


@contextlib.contextmanager
def captured_output(path: Path) -> Iterator[Console]:
    """Redirect stdout and stderr of this process to a file, including output of C++ libraries.

    Child processes inherit the redirection.

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
        try:
            yield Console(file=terminal)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(saved, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)


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
        self._show(record.getMessage())

"""Redirect the output of libraries to a log file, and keep the terminal for the user."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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
    with path.open("ab") as file, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
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

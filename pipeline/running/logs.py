"""Keeps the noise of TensorFlow, Beam and TFX in a file, and the terminal for the user."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

#: Our own loggers; what they say at INFO is shown to the user as well.
OURS = "carryover"


@contextlib.contextmanager
def captured_output(path: Path) -> Iterator[Console]:
    """Send stdout and stderr of this process, C++ libraries included, to a file.

    Args:
        path: the log file; it is appended to.

    Yields:
        A console on the stdout that was there before.
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
def relayed(show: Callable[[str], None]) -> Iterator[None]:
    """Hand every message of our own loggers to a function."""
    relay = _Relay(show)
    ours = logging.getLogger(OURS)
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

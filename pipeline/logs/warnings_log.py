"""Warnings of Python libraries go to the log of the command, not to the terminal."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from pipeline.logs import OUR_LOGGER
from pipeline.logs.command_log import CommandLog, LogHandler


def log_warnings(log: CommandLog) -> None:
    """Write every warning of this process to a log. They are for developers of libraries.

    These are the warnings of the module `warnings`, and warnings and errors that libraries log. The
    root logger has a handler for them: `logging.warning` would add one for stderr otherwise.
    A user's `PYTHONWARNINGS=error` does not apply: libraries warn when they are imported.

    Args:
        log: Log of the command.
    """
    if any(option.startswith("error") for option in sys.warnoptions):
        warnings.resetwarnings()
        os.environ.pop("PYTHONWARNINGS", None)  # for the processes that this one starts

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        log.keep(f"{category.__name__}: {' '.join(str(message).split())} ({filename}:{lineno})")

    warnings.showwarning = show
    handler = _LibraryHandler(log, logging.WARNING)
    logging.lastResort = handler  # for loggers that do not pass their messages on to the root
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, _LibraryHandler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)


@contextlib.contextmanager
def library_messages_in(stream: TextIO) -> Iterator[None]:
    """Write what libraries log to the log of a run, in place of that of the command.

    Without `log_warnings`, nothing is changed.

    Args:
        stream: Log of the run.
    """
    root = logging.getLogger()
    replaced = [handler for handler in root.handlers if isinstance(handler, _LibraryHandler)]
    handlers = [logging.StreamHandler(stream) for _ in replaced]
    for old, new in zip(replaced, handlers, strict=True):
        new.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        root.removeHandler(old)
        root.addHandler(new)
    try:
        yield
    finally:
        for old, new in zip(replaced, handlers, strict=True):
            root.removeHandler(new)
            root.addHandler(old)


class _LibraryHandler(LogHandler):
    """Adds the messages of libraries to a command's log; `CommandLog.start` adds ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Handler`."""
        return record.name.partition(".")[0] != OUR_LOGGER and bool(super().filter(record))

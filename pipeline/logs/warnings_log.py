"""Warnings of Python libraries go to the log of the command, not to the terminal."""

import logging
import os
import sys
import warnings
from typing import TextIO

from pipeline.logs.command_log import CommandLog, LogHandler


def log_warnings(log: CommandLog) -> None:
    """Write every warning of this process to a log. They are for developers of libraries.

    These are the warnings of the module `warnings`, and messages of loggers that have no handler.
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
    logging.lastResort = LogHandler(log, logging.WARNING)

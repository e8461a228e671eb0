"""Standard input, output and error that every text can be written to, at any width."""

import io
import os
import sys
from typing import TextIO


def prepare_streams() -> None:
    """Open closed streams on the null device, and replace characters that cannot be printed.

    A closed stream would otherwise be taken by the first file that is opened, and what libraries
    print would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout = _printable(sys.stdout, 1)
    sys.stderr = _printable(sys.stderr, 2)
    if os.environ.get("COLUMNS", "").isdecimal() and not int(os.environ["COLUMNS"]):
        del os.environ["COLUMNS"]  # unknown, for all but Rich


def _printable(stream: TextIO | None, number: int) -> TextIO:
    """Return a stream that replaces what it cannot print.

    Args:
        stream: Stream of Python; None if it was closed when Python started.
        number: Its file descriptor.
    """
    if stream is None:
        return open(number, "w", encoding="utf-8", errors="replace", closefd=False)
    if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors="replace")
    return stream

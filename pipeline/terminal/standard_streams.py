"""Standard input, output and error that every text can be written to, at any width."""

import io
import logging
import os
import sys
from typing import Any, TextIO, cast

from pipeline.terminal.printable_stream import PrintableStream
from trainer_module.contract.printable_names import printable_lines

#: Start of the second and of every further line of a log message. So no name with a line end in it
#: can pass for a message of its own.
INDENT = "  "


def prepare_streams() -> None:
    """Make what this process prints and logs printable; open closed streams on the null device.

    A closed stream would otherwise be taken by the first file that is opened, and what libraries
    print would be written into it. Characters that the encoding lacks are replaced, those that are
    not printable are escaped, and credentials on stderr, where logs go, are masked.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout = _printable(sys.stdout, 1)
    sys.stderr = _printable(sys.stderr, 2)
    logging.setLogRecordFactory(_make_record)
    if os.environ.get("COLUMNS", "").isdecimal() and not int(os.environ["COLUMNS"]):
        del os.environ["COLUMNS"]  # unknown, for all but Rich


def _printable(stream: TextIO | None, number: int) -> TextIO:
    """Return a stream that replaces what it cannot print.

    Args:
        stream: Stream of Python; None if it was closed when Python started.
        number: Its file descriptor.
    """
    if isinstance(stream, PrintableStream):
        return stream
    stream = stream or _opened(number)
    if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
        stream.reconfigure(errors="replace")
    return cast(TextIO, PrintableStream(stream, masks=number == 2))


def _opened(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", errors="replace", closefd=False)


def indented(text: str) -> str:
    """Return a text as one entry of a log: printable, with further lines indented."""
    return printable_lines(text).replace("\n", f"\n{INDENT}")


def _make_record(*arguments: Any, **values: Any) -> logging.LogRecord:
    """Make a log record whose message is one entry, see `indented`."""
    record = logging.LogRecord(*arguments, **values)
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001, RUF100 (the handler reports it)
        return record
    entry = indented(text)
    if entry != text:
        record.msg, record.args = entry, ()
    return record

"""CSV that is safe to open in a spreadsheet, and that is read back as it was.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula, which can start programs and
send data. Such a text gets an apostrophe in front, and so does one that has apostrophes before such
a character, so that `cell_text` is exact. Numbers stay as they are, texts like -1 too. See "CSV
Injection" of OWASP.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

#: Spreadsheets of some countries separate cells with these, and begin a new cell after them.
_OTHER_SEPARATORS = re.compile("[;\t]")


#: Written for a NUL character, which no CSV file can hold.
NUL_SYMBOL = "\N{SYMBOL FOR NULL}"


class _Writable(Protocol):
    def write(self, text: str, /) -> Any: ...


def spreadsheet_cell(text: str) -> str:
    """Return a text as the cell of a CSV file, with an apostrophe where it would be a formula.

    Example:
        >>> from trainer_module.contract.output_text.spreadsheet_csv import spreadsheet_cell
        >>> [spreadsheet_cell(text) for text in ("=1+1", "-1", "a=b", "")]
        ["'=1+1", '-1', 'a=b', '']
    """
    text = text.replace("\0", NUL_SYMBOL)
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


def cell_text(cell: str) -> str:
    """Return the text of a cell: the inverse of `spreadsheet_cell`, but for NUL characters."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class SpreadsheetWriter:
    """Writes the rows of a CSV file."""

    def __init__(self, file: _Writable, columns: Sequence[str], line_end: str = "\r\n") -> None:
        """Write the header.

        Args:
            file: Text file, opened with `newline=""`.
            columns: Names of the columns.
            line_end: End of every line.
        """
        self._rows = csv.writer(file, lineterminator=line_end)
        self._quoted = csv.writer(file, lineterminator=line_end, quoting=csv.QUOTE_ALL)
        self._rows.writerow(columns)

    def write_row(self, values: Iterable[object]) -> None:
        """Write one row of texts and numbers; None is an empty cell."""
        cells = [spreadsheet_cell(one) if isinstance(one, str) else one for one in values]
        has_others = any(isinstance(one, str) and _OTHER_SEPARATORS.search(one) for one in cells)
        (self._quoted if has_others else self._rows).writerow(cells)


def read_rows(file: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a file of `SpreadsheetWriter`, by the names of the columns.

    Args:
        file: Text file, opened with `newline=""`.
    """
    for row in csv.DictReader(file):
        yield {name: cell_text(cell) for name, cell in row.items()}

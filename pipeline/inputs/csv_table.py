"""Rows of a manifest in CSV."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import chain
from typing import BinaryIO, NoReturn

from components.evaluation.gate.slice_names import column_name
from pipeline.inputs.manifest_columns import NO_SLICES, TableRow, WantedColumns, find_columns
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.spreadsheet_csv import cell_text

DELIMITERS = ",;\t|"

#: First bytes of files that are no text, although their names end in .csv.
OTHER_FORMATS = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"PAR1": "a Parquet file",
}

#: First line that tells Excel the delimiter.
_SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)

#: Start of a cell whose quote means nothing to CSV, because it is not the first character.
_SPACED_QUOTE = re.compile(r"\s+\"")

#: Longest line, in characters. A file may have no line ends at all.
MAX_LINE = 2**20

#: Marks bytes that are not of the encoding, see `surrogateescape`.
_NOT_DECODED = re.compile("[\udc80-\udcff]")


def read_csv_table(
    file: BinaryIO, location: str, wanted: WantedColumns = NO_SLICES
) -> Iterator[TableRow]:
    """Read the rows of a CSV file. Blank rows, and empty cells after the last column, are none.

    An apostrophe that protects a cell from spreadsheets is left out, see `cell_text`.

    Args:
        file: Content: UTF-8, or UTF-16 with a byte order mark.
        location: Path or URI of the file, for messages.
        wanted: Columns to read.

    Raises:
        InputError: The columns are not those of a manifest, or the file cannot be read to its end.
    """
    encoding = _encoding(file.read(4), location)
    file.seek(0)
    # Quoted fields may hold line ends: newline="" leaves them as they are.
    text = TextIOWrapper(file, encoding, "surrogateescape", newline="")
    yield from _CsvTable(text, location, wanted).rows()


def read_column_names(file: BinaryIO, location: str, required: Sequence[str]) -> list[str]:
    """Return the names of the columns of a CSV file, as `column_name` writes them.

    Args:
        file: See `read_csv_table`.
        location: Path or URI of the file, for messages.
        required: Names that tell the delimiter.

    Raises:
        InputError: The file cannot be read.
    """
    encoding = _encoding(file.read(4), location)
    file.seek(0)
    text = TextIOWrapper(file, encoding, "surrogateescape", newline="")
    return _CsvTable(text, location, WantedColumns(tuple(required))).column_names()


class _CsvTable:
    """The state of reading one table."""

    def __init__(self, text: TextIOWrapper, location: str, wanted: WantedColumns) -> None:
        self._text = text
        self._location = location
        self._wanted = wanted
        self._line = 1

    def rows(self) -> Iterator[TableRow]:
        try:
            header, first, offset = self._read_header()
            delimiter = _delimiter(header, first, self._wanted.required)
            lines = chain([header], iter(self._read_line, ""))
            table = csv.reader(lines, delimiter=delimiter, strict=True)
            names = _without_empty_end([name.strip() for name in next(table, [])])
            self._check_text(names)
            columns = find_columns(names, self._location, self._wanted)
            self._line = offset + table.line_num + 1
            for cells in table:
                self._check_text(cells)
                if any(cell.strip() for cell in cells):
                    yield self._row(cells, names, columns, delimiter)
                self._line = offset + table.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:  # where the next row begins is unknown
            self._refuse(str(error))

    def column_names(self) -> list[str]:
        try:
            header, first, _ = self._read_header()
            delimiter = _delimiter(header, first, self._wanted.required)
            names = next(csv.reader([header], delimiter=delimiter), [])
        except (csv.Error, UnicodeDecodeError) as error:
            self._refuse(str(error))
        return list(map(column_name, names))

    def _read_header(self) -> tuple[str, str, int]:
        """Return the header, the delimiter that Excel's line names, and the number of lines above.

        Blank lines above are left out.
        """
        header, above = self._read_filled_line()
        self._line += above
        if "\0" in header:
            self._refuse("it is not UTF-8, but perhaps UTF-16 without a byte order mark")
        if found := _SEPARATOR_LINE.fullmatch(header):
            header, blank = self._read_filled_line()
            return header, found[1], above + 1 + blank
        return header, "", above

    def _read_filled_line(self) -> tuple[str, int]:
        """Return the next line that is not blank, and the number of blank lines before it."""
        line, blank = self._read_line(), 0
        while line and not line.strip():
            line, blank = self._read_line(), blank + 1
        return line, blank

    def _read_line(self) -> str:
        """Return the next line with its end; "" after the last one."""
        line = self._text.readline(MAX_LINE)
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            self._refuse(f"a line has more than {MAX_LINE:,} characters")
        return line

    def _row(
        self, cells: list[str], names: list[str], columns: dict[str, int], delimiter: str
    ) -> TableRow:
        position = f"line {self._line}"
        while len(cells) > len(names) and not cells[-1].strip():
            cells.pop()
        if quoted_late := [cell for cell in cells if _SPACED_QUOTE.match(cell)]:
            cell = quoted_late[0].strip()[:100]
            return TableRow(position, {}, f"a space stands before the quote of {cell}. Remove it")
        if len(cells) == len(names):
            return TableRow(position, {name: cell_text(cells[at]) for name, at in columns.items()})
        fault = f"{len(cells)} columns, expected {len(names)}"
        received = delimiter.join(cells)
        others = [mark for mark in DELIMITERS if mark != delimiter and mark in received]
        if len(cells) < len(names) and others:
            fault += f", separated by {delimiter!r} as in the header. Received: {received[:200]}"
        return TableRow(position, {}, fault)

    def _check_text(self, cells: list[str]) -> None:
        for cell in cells:
            if _NOT_DECODED.search(cell):
                shown = cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
                self._refuse(f"{shown[:100]} is not UTF-8")

    def _refuse(self, problem: str) -> NoReturn:
        raise InputError(
            f"manifest {self._location} cannot be read from line {self._line} on: {problem}. Save "
            "it as CSV in UTF-8, every quote closed, and quotes inside of quotes written twice."
        ) from None


def _encoding(start: bytes, location: str) -> str:
    for magic, name in OTHER_FORMATS.items():
        if start.startswith(magic):
            raise InputError(f"manifest {location} is {name}, not CSV. Save it as CSV in UTF-8.")
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _delimiter(header: str, first: str, required: Sequence[str]) -> str:
    """Return the delimiter that separates the required columns, else the first in the header."""
    marks = [mark for mark in dict.fromkeys(first + DELIMITERS) if mark in header]
    for mark in marks:
        names = {column_name(name.strip(' "')) for name in header.strip().split(mark)}
        if names >= set(required):
            return mark
    return marks[0] if marks else ","


def _without_empty_end(names: list[str]) -> list[str]:
    while names and not names[-1]:
        names.pop()
    return names

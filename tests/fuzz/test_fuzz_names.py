"""Names of any characters: what is printed and what is written to CSV, for all of them."""

import io

from hypothesis import example, given
from hypothesis import strategies as st

from trainer_module.contract.output_text.spreadsheet_csv import (
    NUL_SYMBOL,
    SpreadsheetWriter,
    cell_text,
    read_rows,
    spreadsheet_cell,
)
from trainer_module.contract.printable_names import printable_name

#: Names of files: any characters, also bytes that are not UTF-8.
NAMES = st.text(max_size=40) | st.binary(max_size=20).map(
    lambda name: name.decode("utf-8", "surrogateescape")
)


@example("\x1b]0;forged\x07\r\nline")
@example("\x9b31m\u202e\u2028\ud800")
@given(NAMES)
def test_a_printed_name_has_no_control_characters_and_can_be_encoded(name: str) -> None:
    printed = printable_name(name)
    assert printed.isprintable()
    assert bool(printed.encode()) == bool(name)
    assert printable_name(printed) == printed


@given(NAMES, NAMES)
def test_names_that_differ_are_printed_differently(first: str, second: str) -> None:
    clear = "\\" not in first + second  # the escape of a character is a name, too
    assert not clear or (first == second) == (printable_name(first) == printable_name(second))


@example("'=1+1")
@example("\t=1")
@given(NAMES)
def test_a_cell_is_no_formula_and_is_read_back(name: str) -> None:
    cell = spreadsheet_cell(name)
    assert cell_text(cell) == name.replace("\0", NUL_SYMBOL)
    assert not cell.startswith(("=", "@", "\t", "\r"))


@example([("", "\0")])
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_rows_of_a_spreadsheet_are_read_back(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    writer = SpreadsheetWriter(file, ("name", "class"))
    for row in rows:
        writer.write_row(row)
    file.seek(0)
    expected = [tuple(text.replace("\0", NUL_SYMBOL) for text in row) for row in rows]
    assert [(row["name"], row["class"]) for row in read_rows(file)] == expected

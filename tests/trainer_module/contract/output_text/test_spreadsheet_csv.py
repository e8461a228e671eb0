"""CSV files in spreadsheets, and read back."""

import csv
import io

import pytest

from trainer_module.contract.output_text.spreadsheet_csv import (
    SpreadsheetWriter,
    cell_text,
    read_rows,
    spreadsheet_cell,
)

FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\uff1d1+1",
    "-",
    "+",
    "-dash.png",
]
TEXTS = ["", "a", "a=b", "'quoted'", "it's", "1-2", "-1", "+49", "-0.5", "-1e5", " =1", "é中", "'"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe(text):
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", TEXTS)
def test_other_texts_and_numbers_are_kept(text):
    assert spreadsheet_cell(text) == text


@pytest.mark.parametrize("text", [*FORMULAS, *TEXTS, "'=1", "''=1", "'-1", "'-", "'+49", "'@"])
def test_every_text_is_read_back_as_it_was(text):
    assert cell_text(spreadsheet_cell(text)) == text


def test_a_file_is_read_back_as_it_was():
    names = [*FORMULAS, *TEXTS, "a;=1", "a\t=1", 'a";=1', "two\nlines"]
    file = io.StringIO(newline="")
    writer = SpreadsheetWriter(file, ["name", "number"])
    for name in names:
        writer.write_row([name, -1])
    file.seek(0)
    assert [row["name"] for row in read_rows(file)] == names
    file.seek(0)
    assert {row["number"] for row in csv.DictReader(file)} == {"-1"}


def test_a_cell_with_the_separator_of_another_country_is_quoted():
    file = io.StringIO(newline="")
    SpreadsheetWriter(file, ["name", "number"], line_end="\n").write_row(["a;=cmd()", 1])
    assert file.getvalue() == 'name,number\n"a;=cmd()","1"\n'


def test_a_nul_character_is_written_as_its_symbol(tmp_path):
    file = io.StringIO(newline="")
    SpreadsheetWriter(file, ("name",)).write_row(["a\0b"])
    assert file.getvalue() == "name\r\na\N{SYMBOL FOR NULL}b\r\n"

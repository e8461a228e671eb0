"""CSV files as spreadsheets and scripts of any system write them."""

import io

import pytest

from pipeline.inputs.csv_table import read_csv_table
from pipeline.inputs.manifest_columns import TableRow
from trainer_module.contract.errors import InputError


def read(text: str | bytes) -> list[TableRow]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(read_csv_table(io.BytesIO(content), "m.csv"))


def refusal(text: str | bytes) -> str:
    with pytest.raises(InputError) as error:
        read(text)
    assert "\n" not in str(error.value)
    return str(error.value)


ROW = {"path": "a.png", "domain": "day", "label": "cat"}


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\npath;domain;label\r\na.png;day;cat\r\n",
        "sep=,\npath,domain,label\na.png,day,cat\n",
        "SEP=\t\npath\tdomain\tlabel\na.png\tday\tcat\n",
        '"sep=;"\r\npath;domain;label\r\na.png;day;cat\r\n',
        "sep=;\npath,domain,label\na.png,day,cat\n",
        "\ufeffsep=|\npath|domain|label\na.png|day|cat\n",
    ],
)
def test_the_line_for_excel_is_no_header_but_counts_as_a_line(text):
    assert read(text) == [TableRow("line 3", ROW)]


@pytest.mark.parametrize(
    "header",
    [
        "path,domain,label",
        '"path","domain","label"',
        "Path,DOMAIN,Label",
        " path , domain, label ",
        "path,domain,label,",
        "path,domain,label,,,",
    ],
)
@pytest.mark.parametrize("row", ["a.png,day,cat", "a.png,day,cat,", 'a.png,day,"cat",,,'])
def test_case_spaces_quotes_and_empty_cells_at_the_end_do_not_matter(header, row):
    assert read(f"{header}\n{row}\n") == [TableRow("line 2", ROW)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_delimiter_encoding_and_line_end_is_read(delimiter, encoding, end):
    table = ["path,domain,label", "é.png,day,schön", "b.png,night,猫"]
    content = (end.join(table) + end).replace(",", delimiter).encode(encoding)
    assert [row.texts["label"] for row in read(content)] == ["schön", "猫"]


@pytest.mark.parametrize(
    ("header", "domain"),
    [
        ("path;domain;label;a, b", "day"),
        ("path\tdomain\tlabel\tnote, in full; all", "day"),
        ("path,domain,label,a;b", "day"),
    ],
)
def test_the_delimiter_is_the_one_between_the_required_columns(header, domain):
    mark = header[4]
    cells = mark.join(["a.png", "day", "cat", *["x"] * (header.count(mark) - 2)])
    [row] = read(f"{header}\n{cells}\n")
    assert row.texts["domain"] == domain


@pytest.mark.parametrize("blank", ["", ",,", " , , ", ",,,,,"])
def test_blank_rows_are_none_but_count_as_lines(blank):
    rows = read(f"path,domain,label\n{blank}\na.png,day,cat\n{blank}\n")
    assert rows == [TableRow("line 3", ROW)]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a.png,day,cat", "separated by ';' as in the header. Received: a.png,day,cat"),
        ("a.png\tday\tcat", "separated by ';' as in the header. Received: a.png\tday\tcat"),
        ("a.png|day|cat", "separated by ';' as in the header. Received: a.png|day|cat"),
        ("a.png", ""),
    ],
)
def test_a_row_with_another_delimiter_is_named_with_its_value(row, fault):
    [found] = read(f"path;domain;label\n{row}\n")
    assert found.position == "line 2"
    assert found.fault == f"1 columns, expected 3{', ' if fault else ''}{fault}"


def test_a_row_with_two_delimiters_is_named_with_its_value():
    [found] = read("path,domain,label\na.png,day;cat\n")
    assert found.fault == (
        "2 columns, expected 3, separated by ',' as in the header. Received: a.png,day;cat"
    )


TWICE = ". 2 columns have this name. Keep one, and rename or remove the others"


@pytest.mark.parametrize(
    ("header", "missing", "remedy"),
    [
        ("a/b.png,day,cat", "path", ". The first line must name the columns"),
        ("a\\b.png;day;cat", "path", ". The first line must name the columns"),
        ("b.JPG\tday\tcat", "path", ". The first line must name the columns"),
        ("image,domain,label", "path", ". Rename image to path"),
        ("path,domain,Class", "label", ". Rename Class to label"),
        ("path,site,label", "domain", ". Rename site to domain"),
        ("path,domain;label", "domain", ". Separate all columns by the same character"),
        ("path domain label", "path", ". Separate the columns by commas, semicolons or tabs"),
        ("path:domain:label", "path", ". Separate the columns by commas, semicolons or tabs"),
        ("path,domain,label,label", "label", TWICE),
        ("path,domain,label,Label", "label", TWICE),
        ("path,domain, LABEL ,Label", "label", TWICE),
        ("Path,path,domain,label", "path", TWICE),
        ("path,domain,label,group,Group", "group", TWICE),
        ("path,domain,label,SPLIT,split", "split", TWICE),
    ],
)
def test_a_header_that_is_not_understood_says_what_to_do(header, missing, remedy):
    message = refusal(f"{header}\n")
    assert message.startswith(f"manifest m.csv must have one column {missing}: ")
    assert message.endswith(remedy)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp850"])
def test_another_encoding_is_refused_with_the_line_and_the_value(encoding):
    text = "path,domain,label\na.png,day,cat\nb.png,day,café\n"
    message = refusal(text.encode(encoding))
    assert message.startswith("manifest m.csv cannot be read from line 3 on: caf\\x")
    assert "is not UTF-8. Save it as CSV in UTF-8" in message


def test_the_line_of_another_encoding_is_right_in_a_long_file():
    lines = ["path,domain,label", *(f"{n}.png,day,cat" for n in range(5000)), "é.png,day,cat"]
    message = refusal("\n".join(lines).encode("latin-1"))
    assert "cannot be read from line 5002 on: \\xe9.png is not UTF-8" in message


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PK\x03\x04rest", "an Excel workbook or a ZIP archive"),
        (b"\xd0\xcf\x11\xe0rest", "an Excel workbook"),
        (b"\x1f\x8brest", "compressed with gzip"),
        (b"PAR1rest", "a Parquet file"),
    ],
)
def test_another_format_under_this_name_is_called_by_its_name(content, name):
    assert refusal(content) == f"manifest m.csv is {name}, not CSV. Save it as CSV in UTF-8."


def test_utf_16_without_a_mark_is_named():
    assert "UTF-16 without a byte order mark" in refusal("path,domain,label\n".encode("utf-16-le"))


@pytest.mark.parametrize("above", ["\n", "\r\n\r\n", " \n\t\n", "\ufeff\n"])
@pytest.mark.parametrize("separator", ["", "sep=,\n"])
def test_blank_lines_above_the_header_count_as_lines_only(above, separator):
    text = f"{above}{separator}path,domain,label\na.png,day,cat\n"
    assert read(text) == [TableRow(f"line {len(text.splitlines())}", ROW)]


@pytest.mark.parametrize("text", ["", "\n\n", " \n"])
def test_a_file_of_blank_lines_is_empty(text):
    assert "Received: an empty file" in refusal(text)


def test_blank_lines_may_follow_the_line_for_excel():
    assert read("sep=;\n\n\npath;domain;label\na.png;day;cat\n") == [TableRow("line 5", ROW)]


@pytest.mark.parametrize(
    "row", ['a.png, "day", "cat"', 'a.png, "day, or night",cat', ' "a.png",x,y']
)
def test_a_quote_after_a_space_quotes_nothing_and_is_refused(row):
    [found] = read(f"path,domain,label\n{row}\n")
    assert "a space stands before the quote of" in found.fault


def test_a_name_in_quotes_is_read_with_its_quotes():
    [found] = read('path,domain,label\na.png,"""day""",cat\n')
    assert found == TableRow("line 2", ROW | {"domain": '"day"'})

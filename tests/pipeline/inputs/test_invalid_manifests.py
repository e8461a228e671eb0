"""Malformed rows of manifests become rows with a reason; unreadable manifests are input errors."""

import os
import unicodedata

import pyarrow as pa
import pytest
from manifests import read_csv, reasons, refusal, write_csv, write_parquet

from pipeline.inputs.manifest import MANIFEST_SUFFIXES, read_manifest, read_usable_manifest
from trainer_module.contract.errors import InputError


def test_unusable_files_become_rows_with_a_reason(folder):
    os.mkfifo(folder / "pipe.png")  # opening it would block
    (folder / "folder.png").mkdir()
    text = "path,domain,label\ngone.png,day,cat\npipe.png,day,cat\nfolder.png,day,cat\n"
    rows = read_csv(folder, text)
    assert reasons(rows) == [
        "cannot be opened: No such file or directory",
        "not a regular file",
        "not a regular file",
    ]
    assert rows[0] == {
        "path": "gone.png",
        "domain": "day",
        "label": "cat",
        "bytes": 0,
        "modified": 0,
        "reason": "cannot be opened: No such file or directory",
    }


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",day,cat,train", "path is empty"),
        ("b.png,,cat,train", "domain is empty"),
        ("b.png,day, ,train", "label is empty"),
        (
            "b.png,day,cat,valid",
            "split must be one of train, eval, test. Received: valid. Write eval",
        ),
        ("b.png,day,cat", "3 columns, expected 4"),
        ("b.png,day,cat,train,x", "5 columns, expected 4"),
        ("b.png,day,cat,holdout", "split must be one of train, eval, test. Received: holdout"),
        ("a.png,day,cat,eval", "path is listed before, in line 2. Leave one of the rows out"),
        (
            "a.png,night,dog,eval",
            "path is listed before, in line 2, as day/cat. Received: night/dog. Keep the right one "
            "of the rows",
        ),
    ],
)
def test_a_malformed_row_has_position_and_reason_and_the_others_are_read(folder, line, fault):
    text = f"path,domain,label,split\na.png,day,cat,train\n{line}\nc.png,day,cat,test\n"
    rows = read_csv(folder, text)
    assert reasons(rows) == [None, f"malformed row: line 3: {fault}", None]
    assert (rows[1]["bytes"], rows[1]["modified"]) == (0, 0)


def test_a_malformed_row_keeps_its_fields_and_without_a_path_is_named_by_its_line(folder):
    rows = read_csv(folder, "path,domain,label\n,day,cat\nb.png\nb.png,,cat\n")
    known = [(row["path"], row["domain"], row["label"]) for row in rows]
    assert known == [("line 2", "day", "cat"), ("line 3", "", ""), ("b.png", "", "cat")]


def test_a_path_may_be_listed_again_after_a_malformed_row(folder):
    rows = read_csv(folder, "path,domain,label\na.png,day,\na.png,day,cat\na.png,day,cat\n")
    assert reasons(rows) == [
        "malformed row: line 2: label is empty",
        None,
        "malformed row: line 4: path is listed before, in line 3. Leave one of the rows out",
    ]


def test_a_line_number_is_the_one_an_editor_shows(folder):
    # Line ends inside of quotes, and blank lines, count as lines.
    text = (
        'path,domain,label,"a\nnote"\n'
        'a.png,day,cat,"one\ntwo\n\nthree"\n'
        "\n"
        "b.png,day,,x\n"
        '"c\n.png",day,"",x\n'
        "c.png,day\n"
    )
    found = [reason.split(": ")[1] for reason in reasons(read_csv(folder, text)) if reason]
    assert found == ["line 8", "line 9", "line 11"]


@pytest.mark.parametrize(
    ("column", "received"),
    [
        (pa.array([3.0]), "double"),
        (pa.array([b"cat"]), "binary"),
        (pa.array([True]), "bool"),
        (pa.array([["cat"]]), "list"),
    ],
)
def test_a_parquet_column_of_another_type_is_an_input_error(folder, column, received):
    columns = {"path": ["a.png"], "domain": ["day"], "label": column}
    message = refusal(write_parquet(folder, columns))
    assert "column label must hold text or whole numbers. Received: " + received in message


def test_text_of_a_parquet_file_that_is_not_utf_8_is_an_input_error(folder):
    broken = pa.array([b"caf\xe9.png"]).view(pa.string())
    message = refusal(write_parquet(folder, {"path": broken, "domain": ["day"], "label": ["cat"]}))
    assert "cannot be read as Parquet" in message


@pytest.mark.parametrize("content", [b"", b"path,domain,label\n", b"PAR1" + b"\xff" * 64 + b"PAR1"])
def test_a_file_that_is_not_parquet_is_an_input_error(tmp_path, content):
    path = tmp_path / "pictures.parquet"
    path.write_bytes(content)
    assert f"manifest {path} cannot be read as Parquet" in refusal(str(path))


@pytest.mark.parametrize(
    ("header", "missing", "remedy"),
    [
        ("path,domain", "label", ""),
        ("", "path", ""),
        (
            "path,domain,label,path",
            "path",
            ". 2 columns have this name. Keep one, and rename or remove the others",
        ),
    ],
)
def test_missing_or_repeated_columns_are_an_input_error(folder, header, missing, remedy):
    location = write_csv(folder, header)
    assert refusal(location) == (
        f"manifest {location} must have one column {missing}: expected path, domain, label and, "
        "if wanted, split, group. "
        f"Received: {header.replace(',', ', ') or 'an empty file'}{remedy}"
    )


def test_missing_columns_of_a_parquet_file_are_an_input_error(folder):
    assert "must have one column domain" in refusal(write_parquet(folder, {"path": ["a.png"]}))


def test_a_csv_file_that_is_not_utf_8_is_an_input_error_after_the_rows_before_it(folder):
    # Far enough apart that they are not decoded at once.
    text = b"path,domain,label\na.png,day,cat\n" + b"\n" * 20_000 + b"caf\xe9.png,day,cat\n"
    assert "cannot be read from line " in refusal(write_csv(folder, text))
    assert "UTF-8" in refusal(write_csv(folder, text))


@pytest.mark.parametrize(
    "rows",
    ['a.png,day,"cat\nb.png,day,cat\n', 'a.png,day,"c"at\n'],
    ids=["not closed", "closed too early"],
)
def test_broken_quotes_are_an_input_error_with_their_line(folder, rows):
    # Reading on would make one row of all that follow.
    location = write_csv(folder, f"path,domain,label\nc.png,day,cat\n{rows}")
    assert f"manifest {location} cannot be read from line 3 on: " in refusal(location)


def test_a_missing_manifest_is_an_input_error(tmp_path):
    assert refusal(f"{tmp_path}/none.csv") == (
        f"manifest {tmp_path}/none.csv: cannot be opened: No such file or directory. "
        "Give a CSV or Parquet file."
    )


def test_a_folder_named_like_a_manifest_is_an_input_error(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    assert "not a regular file" in refusal(f"{tmp_path}/folder.csv")


@pytest.mark.parametrize("name", ["pictures.xlsx", "pictures", "pictures.csv.gz"])
def test_an_unknown_suffix_names_the_known_ones(tmp_path, name):
    message = refusal(f"{tmp_path}/{name}")
    assert all(suffix in message for suffix in MANIFEST_SUFFIXES)


@pytest.mark.parametrize(
    ("text", "rows", "first"),
    [
        ("path,domain,label\nd\\a.png,day,cat\n", "1 row", "line 2: d\\a.png: cannot be opened: "),
        (
            "path,domain,label,split\na.png,day,cat,Train\nb.png,day,cat,Train\n",
            "2 rows",
            "line 2: split must be one of train, eval, test. Received: Train. Write train",
        ),
        (
            "sep=;\npath;domain;label\n\nC:\\a.png;day;cat\n",
            "1 row",
            "line 4: C:\\a.png: cannot be opened: No such file or directory: a path of Windows.",
        ),
        ("path,domain,label\na.png,day,nan\n", "1 row", "line 2: label is nan, which"),
        ("path;domain;label\na.png,day,cat\n", "1 row", "line 2: 1 columns, expected 3"),
    ],
)
def test_a_manifest_without_a_usable_row_names_the_first_row_and_its_reason(
    folder, text, rows, first
):
    location = write_csv(folder, text)
    with pytest.raises(InputError) as error:
        list(read_usable_manifest(location))
    assert str(error.value).startswith(
        f"manifest {location} names no file that can be opened ({rows}). The first: {first}"
    )
    assert len(list(read_manifest(location))) == int(rows[0])  # the rows are there all the same


def test_a_manifest_without_rows_says_so(folder):
    location = write_csv(folder, "path,domain,label\n")
    with pytest.raises(InputError, match=r"has no rows\. Write a row"):
        list(read_usable_manifest(location))


def test_one_usable_row_is_enough(folder):
    location = write_csv(folder, "path,domain,label\ngone.png,day,cat\na.png,day,cat\n")
    assert len(list(read_usable_manifest(location))) == 2


@pytest.mark.parametrize("first", ["NFC", "NFD"])
def test_one_file_that_is_listed_in_both_unicode_forms_is_used_once(folder, first):
    second = {"NFC": "NFD", "NFD": "NFC"}[first]
    name = {form: unicodedata.normalize(form, "\u00e9.png") for form in ("NFC", "NFD")}
    (folder / name["NFC"]).write_bytes(b"x")
    text = f"path,domain,label\n{name[first]},day,cat\n{name[second]},day,dog\n"
    found = [reason for reason in reasons(read_csv(folder, text)) if reason]
    assert len(found) == 1
    assert "path is listed before, in line " in found[0]
    assert "day/cat" in found[0]
    assert "day/dog" in found[0]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"label": "nan"}, "row 2: label is nan, which stands for a missing value"),
        ({"split": "VAL"}, "row 2: split must be one of train, eval, test. Received: VAL. Write "),
        ({"path": "a.png", "label": "dog"}, "row 2: path is listed before, in row 1, as day/cat."),
        ({"label": None}, "row 2: label is empty"),
    ],
)
def test_rows_of_parquet_have_the_same_checks(folder, row, fault):
    rows = [
        {"Path": "a.png", " label ": "cat", "DOMAIN": "day", "Split": "train"},
        {
            "Path": row.get("path", "b.png"),
            " label ": row.get("label", "cat"),
            "DOMAIN": "day",
            "Split": row.get("split"),
        },
    ]
    columns = {name: [one[name] for one in rows] for name in rows[0]}
    first, second = read_manifest(write_parquet(folder, columns))
    assert "reason" not in first
    assert second["reason"].startswith(f"malformed row: {fault}")


def test_a_path_of_parquet_without_a_file_says_what_may_be_wrong(folder):
    columns = {"path": ["day\\a.png"], "domain": ["day"], "label": ["cat"]}
    [row] = read_manifest(write_parquet(folder, columns))
    assert row["reason"].endswith(": write / for \\")

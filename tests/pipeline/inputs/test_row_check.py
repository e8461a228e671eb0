"""Rows of a manifest that are malformed, whatever their files are."""

import pytest

from pipeline.inputs.manifest_columns import TableRow
from pipeline.inputs.row_check import RowCheck
from trainer_module.contract.listing_row import ListingRow


def check(*rows: dict[str, str]) -> list[ListingRow]:
    row_check = RowCheck()
    known = {"path": "a.png", "domain": "day", "label": "cat"}
    return [
        row_check.listing_row(TableRow(f"line {number}", known | row))
        for number, row in enumerate(rows, 2)
    ]


def fault_of(**texts: str) -> str | None:
    [row] = check(texts)
    return row.get("reason")


@pytest.mark.parametrize(
    ("split", "meant"),
    [
        ("Train", "train"),
        ("TRAINING", "train"),
        ("VAL", "eval"),
        ("valid", "eval"),
        ("validation", "eval"),
        ("dev", "eval"),
        ("Eval", "eval"),
        ("TEST", "test"),
        ("Testing", "test"),
    ],
)
def test_another_spelling_of_a_split_says_which_to_write(split, meant):
    assert fault_of(split=split) == (
        f"malformed row: line 2: split must be one of train, eval, test. Received: {split}. "
        f"Write {meant}"
    )


@pytest.mark.parametrize("split", ["holdout", "0", "unlabelled"])
def test_an_unknown_split_is_named(split):
    reason = fault_of(split=split)
    assert reason == (
        f"malformed row: line 2: split must be one of train, eval, test. Received: {split}"
    )


@pytest.mark.parametrize("split", ["train", " eval ", "test\t", "", " "])
def test_spaces_around_a_split_do_not_matter(split):
    [row] = check({"split": split})
    assert row.get("split", "") == split.strip()
    assert "reason" not in row


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "NA", "N/A", "#N/A", "<NA>", "NULL", "null", "None"]
)
@pytest.mark.parametrize("column", ["label", "domain", "group"])
def test_what_tools_write_for_a_missing_value_is_no_name(column, text):
    reason = fault_of(**{column: f" {text} "})
    assert reason is not None
    assert reason.startswith(f"malformed row: line 2: {column} is {text}, which stands for a ")


@pytest.mark.parametrize("text", ["none", "No", "na\u00efve", "nano", "NOT", "0", "yes", "1e3"])
def test_a_name_that_only_looks_like_a_missing_value_is_a_name(text):
    [row] = check({"label": text, "domain": text})
    assert (row["label"], row["domain"]) == (text, text)
    assert "reason" not in row


@pytest.mark.parametrize("text", ["", "  ", "\u00a0", "\t"])
@pytest.mark.parametrize("column", ["path", "domain", "label"])
def test_an_empty_cell_is_named(column, text):
    assert fault_of(**{column: text}) == f"malformed row: line 2: {column} is empty"


def test_spaces_around_domain_label_and_group_are_removed():
    [row] = check({"domain": " day ", "label": "\u00a0big cat ", "group": " g "})
    assert (row["domain"], row["label"], row["group"]) == ("day", "big cat", "g")


@pytest.mark.parametrize(
    ("second", "advice"),
    [
        ({}, "in line 2. Leave one of the rows out"),
        ({"split": "test"}, "in line 2. Leave one of the rows out"),
        ({"label": "dog"}, "in line 2, as day/cat. Received: day/dog. Keep the right one of"),
        ({"domain": "night"}, "in line 2, as day/cat. Received: night/cat. Keep the right one of"),
    ],
)
def test_a_path_that_is_listed_before_names_both_rows_and_what_they_say(second, advice):
    first, other = check({}, second)
    assert "reason" not in first
    assert other["reason"].startswith(f"malformed row: line 3: path is listed before, {advice}")


@pytest.mark.parametrize("path", ["./day/a.png", "day//a.png", "day/./a.png", ".//day/a.png"])
def test_another_spelling_of_a_path_is_the_same_path(path):
    _, other = check({"path": "day/a.png"}, {"path": path, "label": "dog"})
    assert "path is listed before, in line 2, as day/cat" in other["reason"]


@pytest.mark.parametrize("path", ["/day/a.png", "../day/a.png", "day/a.png ", "gs://day/a.png"])
def test_another_path_is_another_path(path):
    assert [row.get("reason") for row in check({"path": "day/a.png"}, {"path": path})] == [None] * 2


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///data/a.png", "/data/a.png"),
        ("file://localhost/data/a%20b.png", "/data/a b.png"),
        ("FILE:///data/%C3%A9.png", "/data/é.png"),
        ("file://server/a.png", "file://server/a.png"),
        ("gs://bucket/a%20b.png", "gs://bucket/a%20b.png"),
    ],
)
def test_a_file_uri_of_this_machine_is_a_path(uri, path):
    [row] = check({"path": uri})
    assert row["path"] == path


@pytest.mark.parametrize("folder", ["@eaDir", "#recycle", "$RECYCLE.BIN", "__MACOSX", "lost+found"])
def test_a_path_in_a_folder_of_a_system_is_a_fault(folder):
    assert fault_of(path=f"day/{folder}/1.jpg/thumb.jpg") == (
        f"malformed row: line 2: path is in {folder}, a folder of a system or of network storage"
    )
    assert fault_of(path=f"day/cat/{folder}") is None


@pytest.mark.parametrize("column", ["path", "domain", "label", "group"])
def test_a_nul_character_is_a_fault(column):
    assert fault_of(**{column: "a\0b"}) == (
        f"malformed row: line 2: {column} holds a NUL character. Remove it"
    )


@pytest.mark.parametrize(
    "path",
    [
        *("./a.png", "day//../a.png", "/data/lists/a.png", "/data/./lists/a.png"),
        *("../lists/a.png", "file:///data/lists/a.png", "//data/lists/a.png"),
    ],
)
@pytest.mark.parametrize("label", ["cat", "dog"])
def test_one_file_that_is_written_in_two_ways_is_listed_twice(path, label):
    row_check = RowCheck("/data/lists")
    rows = [{"path": "a.png", "label": "cat"}, {"path": path, "label": label}]
    first, second = (
        row_check.listing_row(TableRow(f"line {number}", {"domain": "day"} | row))
        for number, row in enumerate(rows, 2)
    )
    assert "reason" not in first
    assert "line 3: path is listed before, in line 2" in second["reason"]
    assert ("as day/cat. Received: day/dog" in second["reason"]) == (label == "dog")


def test_files_of_one_name_in_several_folders_are_several_files():
    row_check = RowCheck("gs://bucket/lists")
    paths = ["a.png", "../a.png", "b/a.png", "/data/a.png", "gs://bucket/a/a.png", "b//a.png"]
    rows = [
        row_check.listing_row(TableRow("line", {"path": path, "domain": "d", "label": "c"}))
        for path in paths
    ]
    assert [row.get("reason") for row in rows] == [None] * len(paths)

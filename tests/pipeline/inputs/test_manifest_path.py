"""Paths of a manifest: which file they mean, and what is wrong where they mean none."""

import unicodedata
from pathlib import Path

import pytest

from pipeline.inputs.manifest_path import ManifestFiles, may_arrive
from trainer_module.contract.listing_row import ListingRow

MISSING = "cannot be opened: No such file or directory"


def look_up(folder: Path, path: str) -> ListingRow:
    row = ListingRow(path=path, domain="day", label="cat", bytes=0, modified=0)
    ManifestFiles(str(folder)).look_up(row)
    return row


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("day\\a.png", "write / for \\"),
        (".\\day\\a.png", "write / for \\"),
        ("C:\\pics\\a.png", "a path of Windows. Write it relative to the manifest, with / for \\"),
        ("d:/pics/a.png", "a path of Windows. Write it relative to the manifest, with / for \\"),
        ("\\\\nas\\pics\\a.png", "a path of Windows. Write it relative to the manifest, with / "),
        ("~/a.png", "~ is not expanded in a manifest. Write the whole path"),
        ("~ann/a.png", "~ is not expanded in a manifest. Write the whole path"),
        (" day/a.png", "the file has no spaces around its name. Remove them"),
        ("day/a.png ", "the file has no spaces around its name. Remove them"),
        ("/Users/ann/a.png", "an absolute path, perhaps of another machine. Write it relative"),
        ("file://nas/a.png", "a file:// URI must name a file of this machine, such as file:///"),
        ("day/A.PNG", "the file is called a.png. Write the same case"),
        ("day/%61.png", "the file is called day/a.png. Percent signs are not decoded in paths"),
        ("day%2Fa.png", "the file is called day/a.png. Percent signs are not decoded in paths"),
    ],
)
def test_a_path_without_a_file_says_what_may_be_wrong(tmp_path, path, remedy):
    (tmp_path / "day").mkdir()
    (tmp_path / "day/a.png").write_bytes(b"x")
    assert look_up(tmp_path, path)["reason"].startswith("cannot be opened: ")
    assert f": {remedy}" in look_up(tmp_path, path)["reason"]


def test_a_path_that_is_relative_to_the_working_directory_is_named(tmp_path, monkeypatch):
    (tmp_path / "lists").mkdir()
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    assert look_up(tmp_path / "lists", "a.png")["reason"] == (
        f"{MISSING}: paths are relative to the folder of the manifest, not to the working directory"
    )


@pytest.mark.parametrize("path", ["gone.png", "no/folder/a.png"])
def test_a_file_that_is_simply_missing_has_the_reason_of_the_system(tmp_path, path):
    assert look_up(tmp_path, path)["reason"] == MISSING


@pytest.mark.parametrize("path", ["a\\b.png", "C:\\x.png", "~x.png", " s.png", "D:/y.png"])
def test_a_file_with_an_unusual_name_is_found(tmp_path, path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(b"123")
    row = look_up(tmp_path, path)
    assert (row["path"], row["bytes"]) == (path, 3)
    assert "reason" not in row


@pytest.mark.parametrize("name", ["café/a.png", "day/Übung.png", "ガ/パ.png"])
@pytest.mark.parametrize(("on_disk", "written"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_file_is_found_in_the_other_unicode_form(tmp_path, name, on_disk, written):
    file = tmp_path / unicodedata.normalize(on_disk, name)
    file.parent.mkdir()
    file.write_bytes(b"12345")
    row = look_up(tmp_path, unicodedata.normalize(written, name))
    assert row["path"] == unicodedata.normalize(on_disk, name)
    assert row["bytes"] == 5
    assert "reason" not in row


def test_each_of_two_files_that_differ_in_their_unicode_form_is_found(tmp_path):
    forms = [unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD")]
    for size, name in enumerate(forms, 1):
        (tmp_path / name).write_bytes(b"x" * size)
    found = [look_up(tmp_path, name) for name in forms]
    assert [(row["path"], row["bytes"]) for row in found] == [(forms[0], 1), (forms[1], 2)]


@pytest.mark.parametrize("path", ["new.png", "/srv/late/a.png", " day/a.png", "day/A.PNG"])
def test_a_missing_file_may_arrive_later(tmp_path, path):
    (tmp_path / "day").mkdir()
    (tmp_path / "day/a.png").write_bytes(b"x")
    assert may_arrive(look_up(tmp_path, path)["reason"])


@pytest.mark.parametrize(
    "path", ["day\\a.png", "C:\\a.png", "~/a.png", "~ann/a.png", "day/a.png/x"]
)
def test_a_path_that_cannot_name_a_file_does_not_wait_for_one(tmp_path, path):
    (tmp_path / "day").mkdir()
    (tmp_path / "day/a.png").write_bytes(b"x")
    assert not may_arrive(look_up(tmp_path, path)["reason"])
    assert not may_arrive("")

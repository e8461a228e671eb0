"""Files in the inbox that are no deliveries are told once."""

from pathlib import Path

import pytest
from tiny_pictures import write_files

from pipeline.retraining.deliveries.left_alone_files import LeftAloneFiles, describe_left_alone


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> LeftAloneFiles:
    return LeftAloneFiles(tmp_path / "batches")


@pytest.fixture(name="inbox")
def _inbox(tmp_path: Path) -> Path:
    return write_files(tmp_path / "inbox", {"a.zip": b"", "batch/1.png": b"", "1.png": b""})


def test_a_file_is_told_once_and_again_after_it_was_away(files, inbox):
    assert files.find_new(inbox) == ["1.png", "a.zip"]
    write_files(inbox, {"b\n.txt": b"", "a.zip": b"longer"})
    assert files.find_new(inbox) == ["b\\n.txt"]
    assert files.find_new(inbox) == []
    (inbox / "a.zip").unlink()
    assert files.find_new(inbox) == []
    write_files(inbox, {"a.zip": b""})
    assert files.find_new(inbox) == ["a.zip"]


def test_hidden_files_and_unfinished_ones_are_not_told(files, inbox):
    write_files(inbox, dict.fromkeys((".a", "b.part", "c.zip.tmp", "Thumbs.db"), b""))
    assert files.find_new(inbox) == ["1.png", "a.zip"]


def test_pictures_beside_a_manifest_are_not_told(files, inbox):
    write_files(inbox, {"list.CSV": b"path,domain,label\n1.png,a,b\n"})
    assert files.find_new(inbox) == ["a.zip"]


def test_every_inbox_has_its_own_files(files, inbox, tmp_path):
    other = write_files(tmp_path / "other", {"a.zip": b""})
    assert files.find_new(inbox) == ["1.png", "a.zip"]
    assert files.find_new(other) == ["a.zip"]
    assert (files.find_new(inbox), files.find_new(other)) == ([], [])


@pytest.mark.parametrize("content", [b"", b"\0", b"[]", b'{"a": 1}', b"[" * 100_000])
def test_a_damaged_record_tells_all_files_again(files, inbox, tmp_path, content):
    write_files(tmp_path / "batches", {".left_alone.json": content})
    assert files.find_new(inbox) == ["1.png", "a.zip"]
    assert files.find_new(inbox) == []


def test_of_many_files_the_first_are_named():
    names = [f"{number:03d}.zip" for number in range(500)]
    lines = describe_left_alone(names)
    assert lines[0] == "left alone: 000.zip is neither a folder nor a manifest (.csv or .parquet)"
    assert lines[-1].startswith("left alone: 490 more files are each neither a folder")
    assert len(lines) == 11

"""Folders and files of `--output` that cannot be written."""

import errno
import os
from pathlib import Path

import pytest

from pipeline.config.output_check import check_output_file, prepare_output_folder
from trainer_module.contract.errors import InputError


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    file = tmp_path / "file"
    file.write_text("kept")
    return file


def fail_with(number: int):
    """Return a function that fails as the operating system does."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_the_folder_is_created_with_its_parents_and_left_empty(tmp_path):
    prepare_output_folder(tmp_path / "a" / "b")
    prepare_output_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("below", "problem"), [("", "File exists"), ("results", "Not a directory")]
)
def test_a_file_in_place_of_the_folder_or_of_its_parent_is_named(file, below, problem):
    with pytest.raises(InputError) as error:
        prepare_output_folder(file / below)
    assert str(error.value) == (
        f"output folder {file / below} cannot be written: {problem}. "
        "Give another one with --output DIR."
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_in_which_no_file_can_be_created_is_named(tmp_path, monkeypatch, number):
    monkeypatch.setattr("tempfile.TemporaryFile", fail_with(number))
    with pytest.raises(InputError, match=f"{tmp_path} cannot be written: {os.strerror(number)}"):
        prepare_output_folder(tmp_path)


def test_a_full_disk_is_no_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", fail_with(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left on device"):
        prepare_output_folder(tmp_path)


def test_the_folder_of_a_new_file_is_created_and_a_file_that_is_there_is_kept(tmp_path, file):
    check_output_file(tmp_path / "new" / "pipeline.yaml")
    assert (tmp_path / "new").is_dir()
    check_output_file(file)
    assert file.read_text() == "kept"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("", "output file {} cannot be written: Is a directory. Give another one with --output F"),
        ("file/pipeline.yaml", "output folder {} cannot be written: File exists"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused(tmp_path, file, output, message):
    with pytest.raises(InputError) as error:
        check_output_file(tmp_path / output)
    named = file if output else tmp_path
    assert message.format(named) in str(error.value)


def test_a_file_that_may_not_be_replaced_is_refused(file, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="file cannot be written: Permission denied"):
        check_output_file(file)

import errno
import fcntl
import os
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trainer_module.contract.atomic_write import Draft, atomic_write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("content", "stored"), [("h\u00e4\u00df\n", b"h\xc3\xa4\xc3\x9f\n"), (b"\x00\r\n", b"\x00\r\n")]
)
def test_text_and_bytes_are_stored_as_they_are(content, stored, tmp_path):
    path = tmp_path / "a.json"
    assert atomic_write(path, content) == path
    assert path.read_bytes() == stored
    assert names(tmp_path) == ["a.json"]


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a.json"
    atomic_write(path, "old and longer")
    atomic_write(path, "new")
    assert path.read_text() == "new"


def test_the_draft_of_a_killed_process_is_overwritten(tmp_path):
    (tmp_path / "a.json.part").write_text("half of something long")
    atomic_write(tmp_path / "a.json", "all")
    assert (tmp_path / "a.json").read_text() == "all"
    assert names(tmp_path) == ["a.json"]


def test_processes_that_write_the_same_file_at_the_same_time_wait_for_each_other(tmp_path):
    path = tmp_path / "a.json"

    def write(letter: str) -> None:
        for _ in range(20):
            atomic_write(path, letter * 100_000)
            assert len(set(path.read_text())) == 1
            assert path.stat().st_size == 100_000

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, "abc"))
    assert names(tmp_path) == ["a.json"]


def test_a_file_system_without_locks_is_good_enough(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert atomic_write(tmp_path / "a.json", "all").read_text() == "all"


def test_the_file_is_invisible_until_it_is_complete(tmp_path):
    with Draft(tmp_path / "draft") as draft:
        draft.file.write(b"first")
        assert names(tmp_path) == ["draft"]
        draft.file.write(b", second")
        draft.rename(tmp_path / "final")
    assert (tmp_path / "final").read_bytes() == b"first, second"
    assert names(tmp_path) == ["final"]


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "final").write_text("old")
    with pytest.raises(ValueError, match="no rows"), Draft(tmp_path / "draft") as draft:
        draft.file.write(b"half")
        raise ValueError("no rows")
    assert (tmp_path / "final").read_text() == "old"
    assert names(tmp_path) == ["final"]


def test_a_draft_that_is_not_renamed_is_removed(tmp_path):
    with Draft(tmp_path / "draft") as draft:
        draft.file.write(b"unwanted")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "m" * 250 + ".json", "-[a]*?%s#\n"])
def test_the_longest_names_are_written_and_leave_no_draft(tmp_path, name):
    atomic_write(tmp_path / name, "old")
    atomic_write(tmp_path / name, "new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "new")]


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_its_folder_afterwards(
    tmp_path, monkeypatch
):
    steps = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(handle):
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        steps.append(f"flush {kind} of {os.fstat(handle).st_size} bytes"[:10])
        fsync(handle)

    def noted_replace(path, target):
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    atomic_write(tmp_path / "a.json", "content")
    assert steps == ["flush file", "rename", "flush fold"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_at_the_flush_leaves_the_old_file(tmp_path, monkeypatch, number):
    def fail(handle):
        raise OSError(number, os.strerror(number))

    atomic_write(tmp_path / "a.json", "old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=os.strerror(number)):
        atomic_write(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "old"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_network_file_system_that_flushes_no_folders_is_good_enough(
    tmp_path, monkeypatch, number
):
    fsync = os.fsync

    def refuse_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    atomic_write(tmp_path / "a.json", "all")
    assert (tmp_path / "a.json").read_text() == "all"


def test_a_full_disk_is_told_once_and_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "a.json").write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            atomic_write(tmp_path / "a.json", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert error.value.__context__ is None
    assert (tmp_path / "a.json").read_text() == "old"
    assert names(tmp_path) == ["a.json"]

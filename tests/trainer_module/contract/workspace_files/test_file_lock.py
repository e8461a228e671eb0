"""Locks of files, on local and on network file systems."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from trainer_module.contract.workspace_files.file_lock import NO_LOCKS, lock_file


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_lock_is_held_until_its_descriptor_is_closed(path):
    handle = lock_file(path)
    with pytest.raises(BlockingIOError):
        lock_file(path)
    os.close(handle)
    os.close(lock_file(path))


def test_a_child_process_does_not_inherit_the_lock(path):
    handle = lock_file(path)
    assert not os.get_inheritable(handle)
    os.close(handle)


def test_a_file_that_its_holder_removed_is_created_again(path, monkeypatch):
    flock = fcntl.flock

    def flock_after_the_holder_removed_it(handle: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock_after_the_holder_removed_it)
    handle = lock_file(path)
    assert path.exists()
    with pytest.raises(BlockingIOError):  # the lock is on the file that others see
        lock_file(path)
    os.close(handle)


@pytest.mark.parametrize("number", [*NO_LOCKS, errno.EIO])
def test_a_file_system_without_locks_is_an_error_and_not_another_holder(path, number, monkeypatch):
    def refuse(handle: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = open_files()
    with pytest.raises(OSError, match="") as error:
        lock_file(path)
    assert error.value.errno == number
    assert not isinstance(error.value, BlockingIOError)
    assert open_files() == before


def test_some_network_file_systems_tell_of_another_holder_by_a_missing_permission(
    path, monkeypatch
):
    def refuse(handle: int, operation: int) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(BlockingIOError):
        lock_file(path)

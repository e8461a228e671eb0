import os
import time
from pathlib import Path

import pytest
from tiny_pictures import solid, write_files

from pipeline.retraining.inbox import find_deliveries, stamp
from trainer_module.contract.errors import InputError

PICTURE = solid("red")


def aged(path: Path, seconds: float) -> Path:
    """The same folder, last changed so long ago."""
    then = time.time() - seconds
    for below in (path, *path.rglob("*")):
        os.utime(below, (then, then))
    return path


def test_a_batch_is_complete_when_it_says_so_or_is_quiet(tmp_path):
    for name in ("ready", "quiet", "fresh"):
        write_files(tmp_path / name, {"night/cat/1.png": PICTURE})
    (tmp_path / "ready" / "_READY").touch()
    aged(tmp_path / "quiet", 100)
    found = {one.name: one.complete for one in find_deliveries(tmp_path, quiet_seconds=60)}
    assert found == {"ready": True, "quiet": True, "fresh": False}


def test_the_oldest_delivery_comes_first(tmp_path):
    for name, age in (("a", 10), ("b", 30), ("c", 20)):
        aged(write_files(tmp_path / name, {"night/cat/1.png": PICTURE}), age)
    assert [one.name for one in find_deliveries(tmp_path, 1)] == ["b", "c", "a"]


def test_manifests_are_batches_and_other_files_are_none(tmp_path):
    write_files(tmp_path, {"list.csv": b"path,domain,label\n", "notes.txt": b"", ".hidden": b""})
    [delivery] = find_deliveries(tmp_path, 0)
    assert (delivery.name, delivery.is_manifest) == ("list.csv", True)


def test_a_missing_inbox_is_the_users_mistake(tmp_path):
    with pytest.raises(InputError, match=r"No such file or directory.*--inbox DIR"):
        find_deliveries(tmp_path / "nowhere", 0)


def test_a_stamp_changes_with_the_files_and_with_nothing_else(tmp_path):
    batch = aged(write_files(tmp_path / "batch", {"night/cat/1.png": PICTURE}), 50)
    before = stamp(batch)
    assert stamp(batch) == before
    (batch / "night" / "cat" / "1.png").write_bytes(solid("blue"))
    assert stamp(batch) != before

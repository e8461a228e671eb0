import os
import time
from pathlib import Path

import pytest
from tiny_pictures import solid, write_files

from pipeline.retraining.inbox import file_stamp, find_deliveries
from trainer_module.contract.errors import InputError

PICTURE = solid("red")


def aged(path: Path, seconds: float) -> Path:
    """Set the times of a folder and of all files in it to some seconds ago."""
    then = time.time() - seconds
    for below in (path, *path.rglob("*")):
        os.utime(below, (then, then))
    return path


def test_a_delivery_is_complete_when_it_is_marked_or_did_not_change_for_a_while(tmp_path):
    for name in ("ready", "quiet", "new"):
        write_files(tmp_path / name, {"night/cat/1.png": PICTURE})
    (tmp_path / "ready" / "_READY").touch()
    aged(tmp_path / "quiet", 100)
    deliveries = find_deliveries(tmp_path, quiet_seconds=60)
    assert {delivery.name: delivery.complete for delivery in deliveries} == {
        "ready": True,
        "quiet": True,
        "new": False,
    }


def test_the_oldest_delivery_comes_first(tmp_path):
    for name, age in (("a", 10), ("b", 30), ("c", 20)):
        aged(write_files(tmp_path / name, {"night/cat/1.png": PICTURE}), age)
    assert [delivery.name for delivery in find_deliveries(tmp_path, 1)] == ["b", "c", "a"]


def test_manifests_are_deliveries_and_other_files_are_not(tmp_path):
    write_files(tmp_path, {"list.csv": b"path,domain,label\n", "notes.txt": b"", ".hidden": b""})
    [delivery] = find_deliveries(tmp_path, 0)
    assert (delivery.name, delivery.is_manifest) == ("list.csv", True)


def test_a_missing_inbox_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"No such file or directory.*--inbox DIR"):
        find_deliveries(tmp_path / "nowhere", 0)


def test_a_stamp_changes_with_the_files_and_with_nothing_else(tmp_path):
    delivery = aged(write_files(tmp_path / "batch", {"night/cat/1.png": PICTURE}), 50)
    before = file_stamp(delivery)
    assert file_stamp(delivery) == before
    (delivery / "night" / "cat" / "1.png").write_bytes(solid("blue"))
    assert file_stamp(delivery) != before

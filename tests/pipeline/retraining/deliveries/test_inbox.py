import os
import time
from pathlib import Path

import pytest
from tiny_pictures import solid, write_files

from pipeline.retraining.deliveries.inbox import file_stamp, find_deliveries
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


@pytest.mark.parametrize("seconds", [-100, -(10**6), -(10**9)])
def test_a_time_in_the_future_does_not_keep_a_delivery_incomplete_for_ever(tmp_path, seconds):
    aged(write_files(tmp_path / "batch", {"night/cat/1.png": PICTURE}), seconds)
    [delivery] = find_deliveries(tmp_path, quiet_seconds=60)
    assert delivery.complete


@pytest.mark.parametrize("seconds", [-10, 0, 10])
def test_a_file_of_now_keeps_it_incomplete_whatever_the_times_of_others_are(tmp_path, seconds):
    aged(write_files(tmp_path / "batch", {"night/cat/1.png": PICTURE}), -(10**9))
    new = tmp_path / "batch" / "night" / "cat" / "2.png"
    new.write_bytes(PICTURE)
    os.utime(new, (time.time() - seconds,) * 2)
    [delivery] = find_deliveries(tmp_path, quiet_seconds=60)
    assert not delivery.complete


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9", "caf\\udce9"),
        (b"red\x1b[31m", "red\\x1b[31m"),
        (b"two\nlines", "two\\nlines"),
        ("café".encode(), "café"),
    ],
)
def test_a_name_is_shown_with_escapes_for_what_is_not_printable(tmp_path, name, shown):
    (tmp_path / os.fsdecode(name)).mkdir()
    [delivery] = find_deliveries(tmp_path, 0)
    assert (delivery.name, delivery.source) == (shown, f"{tmp_path}/{shown}")


def test_the_oldest_delivery_comes_first(tmp_path):
    for name, age in (("a", 10), ("b", 30), ("c", 20)):
        aged(write_files(tmp_path / name, {"night/cat/1.png": PICTURE}), age)
    assert [delivery.name for delivery in find_deliveries(tmp_path, 1)] == ["b", "c", "a"]


def test_manifests_are_deliveries_and_other_files_are_not(tmp_path):
    write_files(tmp_path, {"list.csv": b"path,domain,label\n", "notes.txt": b"", ".hidden": b""})
    [delivery] = find_deliveries(tmp_path, 0)
    assert (delivery.name, delivery.is_manifest) == ("list.csv", True)


@pytest.mark.parametrize(
    "name",
    [
        "@eaDir",
        "@Recycle",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "__MACOSX",
        "~snapshot",
        ".snapshot",
        ".Trash-1000",
        ".stfolder",
    ],
)
def test_a_folder_of_a_system_is_no_delivery(tmp_path, name):
    write_files(tmp_path, {f"{name}/day/cat/1.png": PICTURE, f"{name}/_READY": b""})
    write_files(tmp_path / "batch", {"day/cat/1.png": PICTURE})
    assert [delivery.name for delivery in find_deliveries(tmp_path, 0)] == ["batch"]


@pytest.mark.parametrize(
    "name", ["._list.csv", ".~lock.list.csv#", "list.csv.part", "list.csv.crdownload"]
)
def test_a_file_beside_a_manifest_or_an_unfinished_one_is_no_delivery(tmp_path, name):
    write_files(tmp_path, {"list.csv": b"path,domain,label\n", name: b"x"})
    assert [delivery.name for delivery in find_deliveries(tmp_path, 0)] == ["list.csv"]


@pytest.mark.parametrize(
    "name", ["day/cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "day/.DS_Store", "day/cat/Thumbs.db"]
)
def test_thumbnails_that_a_system_adds_later_do_not_keep_a_delivery_incomplete(tmp_path, name):
    delivery = write_files(tmp_path / "batch", {"day/cat/1.png": PICTURE})
    before = file_stamp(delivery)
    write_files(delivery, {name: b"x"})
    new = time.time()
    aged(delivery, 100)
    os.utime(delivery / name, (new, new))
    [found] = find_deliveries(tmp_path, quiet_seconds=60)
    assert found.complete
    os.utime(delivery / "day/cat/1.png", (new - 100, new - 100))
    assert len({before, file_stamp(delivery)}) == 2  # the stamp knows the times of pictures
    stamp = file_stamp(delivery)
    (delivery / name).unlink()
    assert file_stamp(delivery) == stamp


@pytest.mark.parametrize("name", ["2.png.part", "2.png.crdownload", "2.png.tmp"])
def test_a_download_that_grows_keeps_a_delivery_incomplete(tmp_path, name):
    delivery = aged(write_files(tmp_path / "batch", {"day/cat/1.png": PICTURE}), 100)
    write_files(delivery, {f"day/cat/{name}": b"x"})
    aged(delivery / "day" / "cat", 100)
    new = time.time()
    os.utime(delivery / "day" / "cat" / name, (new, new))
    [found] = find_deliveries(tmp_path, quiet_seconds=60)
    assert not found.complete


@pytest.mark.parametrize("then", [0, 1, -86_400, 2**33])
def test_times_that_no_clock_shows_do_not_keep_a_delivery_incomplete(tmp_path, then):
    delivery = write_files(tmp_path / "batch", {"day/cat/1.png": PICTURE, "day/dog/2.png": PICTURE})
    for path in (delivery, *delivery.rglob("*")):
        os.utime(path, (then, then))
    [found] = find_deliveries(tmp_path, quiet_seconds=60)
    assert found.complete


@pytest.mark.parametrize("back", [30, 100, 3600, 10**8])
def test_a_delivery_becomes_complete_although_the_clock_goes_back(tmp_path, monkeypatch, back):
    write_files(tmp_path / "batch", {"day/cat/1.png": PICTURE})
    written = time.time()
    found = []
    for later in range(0, 150, 30):  # passes within two and a half times the quiet seconds
        monkeypatch.setattr(time, "time", lambda later=later: written - back + later)
        found += find_deliveries(tmp_path, quiet_seconds=60)
    assert any(delivery.complete for delivery in found)


def test_a_sidecar_that_is_corrected_is_a_new_state_of_the_delivery(tmp_path):
    delivery = write_files(tmp_path / "batch", {"day/cat/1.png": PICTURE})
    stamps = {file_stamp(delivery)}
    for content in ("path,group\n", "path,group\nday/cat/1.png,tom\n"):
        (delivery / "sidecar.csv").write_text(content)
        stamps.add(file_stamp(delivery))
    assert len(stamps) == 3


def test_a_missing_inbox_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"does not exist\. Create it \(mkdir -p .*--inbox DIR"):
        find_deliveries(tmp_path / "nowhere", 0)


def test_a_stamp_changes_with_the_files_and_with_nothing_else(tmp_path):
    delivery = aged(write_files(tmp_path / "batch", {"night/cat/1.png": PICTURE}), 50)
    before = file_stamp(delivery)
    assert file_stamp(delivery) == before
    (delivery / "night" / "cat" / "1.png").write_bytes(solid("blue"))
    assert file_stamp(delivery) != before

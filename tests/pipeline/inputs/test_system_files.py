import os
import time
from pathlib import Path

import pytest
from tiny_pictures import write_files

from pipeline.inputs import folder as folder_module
from pipeline.inputs.folder import find_layout, list_folder, scan_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.system_files import (
    HIDDEN,
    SNAPSHOT,
    SYSTEM,
    UNFINISHED,
    count_files,
    skipped_kind,
    system_folder,
)

PICTURES = ["day/car/1.jpg", "day/van/2.jpg", "night/car/3.jpg", "night/van/4.jpg"]

FOLDERS = {
    "@eaDir": SYSTEM,
    "#recycle": SYSTEM,
    "@Recycle": SYSTEM,
    "@tmp": SYSTEM,
    "$RECYCLE.BIN": SYSTEM,
    "System Volume Information": SYSTEM,
    "lost+found": SYSTEM,
    "__MACOSX": SYSTEM,
    "Network Trash Folder": SYSTEM,
    "found.000": SYSTEM,
    ".Trash-1000": HIDDEN,
    ".Trashes": HIDDEN,
    ".Spotlight-V100": HIDDEN,
    ".sync": HIDDEN,
    ".stfolder": HIDDEN,
    ".stversions": HIDDEN,
    ".dropbox.cache": HIDDEN,
    ".ipynb_checkpoints": HIDDEN,
    ".@__thumb": HIDDEN,
    ".snapshot": SNAPSHOT,
    ".zfs": SNAPSHOT,
    "~snapshot": SNAPSHOT,
    "#snapshot": SNAPSHOT,
    "@Recently-Snapshot": SNAPSHOT,
    "@GMT-2026.11.26-02.00.00": SNAPSHOT,
}

FILES = {
    ".DS_Store": HIDDEN,
    "._1.jpg": HIDDEN,
    ".nfs000000000012": HIDDEN,
    ".~lock.list.csv#": HIDDEN,
    "Thumbs.db": SYSTEM,
    "ehthumbs.db": SYSTEM,
    "Desktop.ini": SYSTEM,
    "Icon\r": SYSTEM,
    "5.jpg.part": UNFINISHED,
    "5.jpg.crdownload": UNFINISHED,
    "5.jpg.filepart": UNFINISHED,
    "5.jpg.partial": UNFINISHED,
    "5.jpg.download": UNFINISHED,
    "5.JPG.TMP": UNFINISHED,
}


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    return write_files(tmp_path / "data", dict.fromkeys(PICTURES, b"1"))


def scan(data: Path) -> tuple[list[str], dict[str, int]]:
    """Paths of the rows, and the numbers of skipped files."""
    paths: list[str] = []
    skipped = scan_folder(data, lambda row: paths.append(row["path"]))
    return paths, skipped.ignored


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("parent", ["", "day", "day/car", "day/car/deeper"])
def test_a_folder_of_a_system_is_left_alone_at_any_level(data, name, parent):
    # Thumbnails of NAS boxes lie in folders that are called like the picture.
    added = [Path(parent, name, "1.jpg", "SYNOPHOTO_THUMB_M.jpg"), Path(parent, name, "9.jpg")]
    write_files(data, {str(path): b"1" for path in added})
    paths, ignored = scan(data)
    assert paths == PICTURES
    assert ignored == {FOLDERS[name]: 1 if FOLDERS[name] == SNAPSHOT else 2}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("parent", ["", "day", "day/car"])
def test_a_file_of_a_system_is_left_alone_at_any_level(data, name, parent):
    write_files(data, {str(Path(parent, name)): b"1"})
    assert scan(data) == (PICTURES, {FILES[name]: 1})


def test_folders_of_systems_do_not_change_the_layout(data):
    for name in ("@eaDir", "lost+found", "#recycle/train", "__MACOSX/day/car"):
        write_files(data, {f"{name}/{number}.jpg": b"1" for number in range(20)})
    assert find_layout(data, LayoutOptions()).text == "<domain>/<class>/"


@pytest.mark.parametrize("name", ["lost+found", ".Trash-0", "System Volume Information"])
def test_a_folder_that_only_the_system_may_read_is_no_reason_to_stop(data, name, monkeypatch):
    (data / name).mkdir()
    walk = folder_module.os.walk

    def forbidding(top, onerror=None, **options):
        if name in Path(top).parts:
            onerror(PermissionError(13, "Permission denied", str(top)))
            return iter(())
        return walk(top, onerror=onerror, **options)

    monkeypatch.setattr(folder_module.os, "walk", forbidding)
    assert scan(data) == (PICTURES, {FOLDERS.get(name, HIDDEN): 1})


def test_a_folder_of_snapshots_is_not_entered(data, monkeypatch):
    write_files(data, {f"~snapshot/hourly.{number}/day/car/1.jpg": b"1" for number in range(3)})
    entered = []
    walk = folder_module.os.walk
    monkeypatch.setattr(
        folder_module.os,
        "walk",
        lambda top, **options: (entered.append(part) or part for part in walk(top, **options)),
    )
    scan(data)
    assert not [path for path, _, _ in entered if "~snapshot" in path]


@pytest.mark.parametrize("name", ["~snapshot", ".snapshot/hourly.0", ".zfs/snapshot/monday"])
def test_a_snapshot_that_is_given_as_data_is_read(tmp_path, name):
    snapshot = write_files(tmp_path / name, dict.fromkeys(PICTURES, b"1"))
    assert scan(snapshot) == (PICTURES, {})


@pytest.mark.parametrize("name", ["eaDir", "recycle", "snapshot", "tmp", "part", "lost and found"])
def test_names_that_only_resemble_those_of_systems_are_classes(data, name):
    write_files(data, {f"day/{name}/1.jpg": b"1", f"day/car/{name}.jpg": b"1"})
    paths, ignored = scan(data)
    assert set(paths) == {*PICTURES, f"day/{name}/1.jpg", f"day/car/{name}.jpg"}
    assert not ignored


def test_a_file_may_be_called_like_a_folder_of_a_system_and_the_other_way_round():
    assert skipped_kind("lost+found", is_folder=False) is None
    assert skipped_kind("Thumbs.db", is_folder=True) is None
    assert skipped_kind("1.part", is_folder=True) is None


def test_the_system_folder_in_a_path_is_found_whatever_its_case():
    assert system_folder(Path("day/@EADIR/1.jpg/thumb.jpg")) == "@EADIR"
    assert system_folder(Path("/volume1/#recycle/1.jpg")) == "#recycle"
    assert system_folder(Path("day/car/lost+found")) is None


def test_files_in_a_skipped_folder_are_counted_and_links_in_it_not_followed(data):
    write_files(data, {".sync/a": b"1", ".sync/deeper/b": b"1"})
    (data / ".sync" / "all").symlink_to(data / "day")
    assert count_files(data / ".sync", HIDDEN) == {HIDDEN: 2}


@pytest.mark.parametrize("then", [0, -86_400, 315_532_800, 4_102_444_800, 2**33])
def test_files_of_any_time_are_listed(data, then):
    for path in PICTURES:
        os.utime(data / path, (then, then))
    rows = list_folder(data)
    assert [row["path"] for row in rows] == PICTURES
    assert not [row for row in rows if "reason" in row]


@pytest.mark.parametrize("then", [0, 1, -86_400, 315_532_800])
def test_a_changed_file_is_noticed_although_all_files_have_one_time_that_says_nothing(data, then):
    for path in PICTURES:
        os.utime(data / path, (then, then))
    before = list_folder(data)
    assert list_folder(data) == before
    time.sleep(0.02)  # the file system's clock ticks every few ms
    (data / PICTURES[1]).write_bytes(b"2")  # as long as before
    os.utime(data / PICTURES[1], (then, then))
    after = list_folder(data)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True, True]
    assert before[0]["modified"] > 1e18


def test_a_time_that_is_possible_is_taken_as_it_is(data):
    os.utime(data / PICTURES[0], (10**9, 10**9))
    assert list_folder(data)[0]["modified"] == 10**18

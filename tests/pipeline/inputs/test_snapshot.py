import json
import os
import shutil
from pathlib import Path

import pytest
from ordinary_user import open_folder, ordinary_user
from tiny_pictures import write_files

from pipeline.inputs import snapshot as module
from pipeline.inputs.folder import LOOP, MISPLACED
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.snapshot import Snapshot
from pipeline.inputs.system_files import HIDDEN, SYSTEM
from trainer_module.contract.errors import InputError

TREE = {"day/cat/a.png": b"1", "day/dog/b.png": b"22", "night/cat/c.png": b"333"}


@pytest.fixture(name="data")
def _data(tmp_path: Path) -> Path:
    return write_files(tmp_path / "data", TREE)


@pytest.fixture(name="listings")
def _listings(tmp_path: Path) -> Path:
    return tmp_path / "inputs"


def take_snapshot(data: Path, folder: Path) -> Snapshot:
    return module.take_snapshot(str(data), folder)


def rows(snapshot: Snapshot) -> list[dict]:
    return [json.loads(line) for line in snapshot.path.read_text().splitlines()]


def paths(snapshot: Snapshot) -> list[str]:
    return [row["path"] for row in rows(snapshot)]


def test_a_snapshot_lists_every_file_with_domain_label_and_size(data, listings):
    snapshot = take_snapshot(data, listings)
    assert snapshot.files == 3
    assert snapshot.domains == ("day", "night")
    first = rows(snapshot)[0]
    modified = (data / "day/cat/a.png").stat().st_mtime_ns
    assert first == {
        "path": "day/cat/a.png",
        "domain": "day",
        "label": "cat",
        "bytes": 1,
        "modified": modified,
    }


def test_the_same_tree_has_the_same_digest_in_any_folder(data, listings, tmp_path):
    snapshot = take_snapshot(data, listings)
    copy = shutil.copytree(data, tmp_path / "copy")  # keeps the times
    assert take_snapshot(copy, listings).digest == snapshot.digest
    assert snapshot.path == listings / f"{snapshot.digest}.jsonl"
    assert list(listings.iterdir()) == [snapshot.path]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: (data / "day/cat/a.png").write_bytes(b"other"),
        lambda data: os.utime(data / "day/cat/a.png", ns=(1, 1)),
        lambda data: (data / "day/cat/new.png").write_bytes(b"4"),
        lambda data: (data / "day/cat/a.png").rename(data / "day/cat/z.png"),
        lambda data: (data / "day/cat/a.png").rename(data / "day/dog/a.png"),
        lambda data: (data / "day/cat/a.png").unlink(),
    ],
    ids=["changed", "touched", "added", "renamed", "other class", "removed"],
)
def test_every_change_of_the_pictures_changes_the_digest(data, listings, change):
    before = take_snapshot(data, listings)
    change(data)
    assert take_snapshot(data, listings).digest != before.digest
    assert before.path.exists()


def test_files_outside_of_a_class_folder_become_rows_with_a_reason(data, listings):
    write_files(data, {"readme.txt": b"", "day/stray.png": b""})
    reasons = {row["path"]: row.get("reason") for row in rows(take_snapshot(data, listings))}
    assert reasons["readme.txt"] == reasons["day/stray.png"] == MISPLACED
    assert reasons["day/cat/a.png"] is None


def test_deeper_folders_belong_to_their_class(data, listings):
    write_files(data, {"day/cat/kittens/2024/d.png": b""})
    row = next(row for row in rows(take_snapshot(data, listings)) if "kittens" in row["path"])
    assert (row["domain"], row["label"]) == ("day", "cat")


def test_hidden_and_system_files_are_counted_but_not_listed(data, listings):
    hidden = ("day/cat/.DS_Store", ".git/x/config", "day/cat/Thumbs.db", "day/cat/desktop.ini")
    write_files(data, dict.fromkeys(hidden, b""))
    before = take_snapshot(data, listings)
    assert paths(before) == list(TREE)
    assert before.ignored == {HIDDEN: 2, SYSTEM: 2}
    # A tool that writes into its hidden folder changes nothing.
    write_files(data, {".git/x/another": b""})
    assert take_snapshot(data, listings).digest == before.digest


def test_symbolic_links_are_followed_and_loops_end(data, listings, tmp_path):
    write_files(tmp_path / "elsewhere", {"cat/linked.png": b""})
    (data / "fog").symlink_to(tmp_path / "elsewhere")
    (data / "day/cat/up").symlink_to(data)
    (data / "day/self").symlink_to(data / "day/self")
    snapshot = take_snapshot(data, listings)
    assert sorted(paths(snapshot)) == sorted(
        [*TREE, "fog/cat/linked.png", "day/cat/up", "day/self"]
    )
    reasons = {row["path"]: row.get("reason") for row in rows(snapshot)}
    assert reasons["day/cat/up"] == LOOP
    assert reasons["fog/cat/linked.png"] is None


def test_classes_without_files_are_counted(data, listings):
    (data / "night/dog").mkdir()
    (data / "fog/cat/deeper").mkdir(parents=True)
    assert take_snapshot(data, listings).empty_classes == (("fog", "cat"), ("night", "dog"))


def test_a_class_whose_files_are_all_in_deeper_folders_is_not_empty(data, listings):
    write_files(data, {"fog/cat/deeper/a.png": b""})
    assert take_snapshot(data, listings).empty_classes == ()


def test_a_manifest_is_a_listing_relative_to_its_folder(data, listings):
    manifest = data.parent / "pictures.csv"
    manifest.write_text("path,domain,label,split\ndata/day/cat/a.png,day,cat,test\n,day,cat,\n")
    snapshot = take_snapshot(manifest, listings)
    assert snapshot.data_root == str(data.parent)
    assert snapshot.domains == ("day",)
    [good, bad] = rows(snapshot)
    assert (good["path"], good["split"]) == ("data/day/cat/a.png", "test")
    assert bad["reason"] == "malformed row: line 3: path is empty"


def test_a_manifest_without_a_single_picture_is_an_input_error(tmp_path, listings):
    manifest = tmp_path / "pictures.csv"
    manifest.write_text("path,domain,label\nnowhere.png,day,cat\n")
    with pytest.raises(InputError, match="names no file that can be opened"):
        take_snapshot(manifest, listings)


def test_a_remote_folder_is_an_input_error_that_asks_for_a_manifest(listings):
    with pytest.raises(InputError, match="Give a manifest of it"):
        module.take_snapshot("gs://bucket/pictures", listings)


def test_one_folder_can_be_a_class_of_two_domains(data, listings):
    (data / "dusk").mkdir()
    (data / "dusk/cat").symlink_to(data / "night/cat")
    found = paths(take_snapshot(data, listings))
    assert {"dusk/cat/c.png", "night/cat/c.png"} <= set(found)


def test_a_link_to_nothing_becomes_a_row_with_a_reason(data, listings):
    (data / "day/cat/gone.png").symlink_to("nowhere")
    row = next(row for row in rows(take_snapshot(data, listings)) if "gone" in row["path"])
    assert row["reason"] == "cannot be opened: No such file or directory"


def test_a_pipe_among_the_pictures_becomes_a_row_with_a_reason(data, listings):
    # Opening it would block.
    os.mkfifo(data / "day/cat/pipe.png")
    row = next(row for row in rows(take_snapshot(data, listings)) if "pipe" in row["path"])
    assert "reason" in row


@pytest.mark.parametrize("name", ["a b.png", 'it\'s "x".png', "two\nlines.png", "häß \u2603.png"])
def test_unusual_file_names_survive(data, listings, name):
    write_files(data, {f"day/cat/{name}": b""})
    assert f"day/cat/{name}" in paths(take_snapshot(data, listings))


def test_file_names_that_are_not_utf_8_survive(data, listings):
    name = os.fsdecode(b"day/cat/caf\xe9.png")
    write_files(data, {name: b"x"})
    [found] = [path for path in paths(take_snapshot(data, listings)) if "caf" in path]
    assert os.fsencode(found) == b"day/cat/caf\xe9.png"


@pytest.mark.parametrize("name", [b"caf\xe9/cat/a.png", b"day/caf\xe9/a.png"])
def test_domains_and_classes_that_are_not_utf_8_are_rejected_with_a_reason(data, listings, name):
    # Neither an EvalConfig nor Beam's keys nor JSON can carry such a name.
    write_files(data, {os.fsdecode(name): b"x"})
    snapshot = take_snapshot(data, listings)
    row = next(row for row in rows(snapshot) if "caf" in row["path"])
    assert "UTF-8" in row["reason"]
    assert (row["domain"], row["label"]) == ("", "")
    assert snapshot.domains == ("day", "night")


def test_a_missing_folder_is_an_input_error(tmp_path, listings):
    with pytest.raises(InputError) as error:
        take_snapshot(tmp_path / "nowhere", listings)
    assert str(error.value) == (
        f"data folder {tmp_path / 'nowhere'} does not exist. "
        "Give a folder or a manifest (.csv or .parquet) with --data."
    )


@pytest.mark.parametrize("name", ["", "pictures", "pictures.csv"])
def test_data_in_a_folder_without_permission_are_an_input_error(name):
    with open_folder() as closed, open_folder() as listings:
        closed.chmod(0)
        listings.chmod(0o777)
        with ordinary_user(), pytest.raises(InputError) as error:
            take_snapshot(closed / name, listings)
    assert str(closed / name) in str(error.value)
    assert "Permission denied" in str(error.value)


@pytest.mark.parametrize("files", [{}, {"a.png": b"", "day/b.png": b""}], ids=["empty", "flat"])
def test_a_folder_without_the_layout_is_an_input_error_that_names_the_layout(
    tmp_path, listings, files
):
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(InputError, match="<domain>/<class>/<picture>"):
        take_snapshot(write_files(data, files), listings)
    assert list(listings.glob("*")) == []


@pytest.mark.parametrize("name", ["factory", "My domain", "ü"])
def test_class_folders_are_listed_in_the_domain_that_the_options_name(tmp_path, listings, name):
    data = write_files(tmp_path / "data", {"cat/a.png": b"1", "dog/b.png": b"2"})
    snapshot = module.take_snapshot(str(data), listings, LayoutOptions(domain=name))
    assert snapshot.domains == (name,)
    assert [row["label"] for row in rows(snapshot)] == ["cat", "dog"]
    assert snapshot.notes == (f"The layout is <class>/<picture>, all in domain '{name}'.",)


def test_split_folders_are_in_the_listing(tmp_path, listings):
    files = {
        f"{split}/{domain}/{label}/{split}.png": b"1"
        for split in ("train", "valid", "test")
        for domain in ("day", "night")
        for label in ("cat", "dog")
    }
    snapshot = take_snapshot(write_files(tmp_path / "data", files), listings)
    assert snapshot.domains == ("day", "night")
    splits = {Path(row["path"]).parts[0]: row["split"] for row in rows(snapshot)}
    assert splits == {"train": "train", "valid": "eval", "test": "test"}


def test_a_class_that_is_empty_in_one_split_is_not_an_empty_class(tmp_path, listings):
    files = {f"{split}/day/{label}/a.png": b"1" for split in ("train", "test") for label in "ab"}
    data = write_files(tmp_path / "data", files)
    (data / "test/day/a/a.png").unlink()
    (data / "test/day/c").mkdir()
    assert take_snapshot(data, listings).empty_classes == (("day", "c"),)


def test_files_outside_of_the_given_layout_have_the_reason(tmp_path, listings):
    files = {"train/day/cat/a.png": b"1", "extra/day/cat/b.png": b"2", "train/c.png": b"3"}
    data = write_files(tmp_path / "data", files)
    snapshot = module.take_snapshot(str(data), listings, LayoutOptions("split/domain/class"))
    assert {row["path"]: row.get("reason") for row in rows(snapshot)} == {
        "train/day/cat/a.png": None,
        "extra/day/cat/b.png": "not in a split folder (train, val or test)",
        "train/c.png": "not in <split>/<domain>/<class>/",
    }


@pytest.mark.parametrize(
    ("options", "option"),
    [(LayoutOptions(domain="day"), "--domain"), (LayoutOptions("domain/class"), "--layout")],
)
def test_options_for_folders_are_refused_for_a_manifest(tmp_path, listings, options, option):
    manifest = tmp_path / "pictures.csv"
    manifest.write_text("path,domain,label\na.png,day,cat\n")
    with pytest.raises(InputError, match=rf"{option} is for folders.* Leave {option} out\."):
        module.take_snapshot(str(manifest), listings, options)


UNLABELLED = {"day/_unlabelled/d.png": b"4", "fog/_to_label/e.png": b"5"}


def test_pictures_without_a_label_are_left_out_with_a_note(data, listings):
    write_files(data, UNLABELLED)
    (data / "night" / "_unlabelled").mkdir()
    snapshot = take_snapshot(data, listings)
    assert (paths(snapshot), snapshot.domains) == (list(TREE), ("day", "night"))
    assert snapshot.empty_classes == ()
    assert snapshot.notes == (
        "Left out: 2 pictures without a label. Give labels with `carryover label`.",
    )


def test_labels_of_a_manifest_that_stand_for_no_label_are_no_classes(data, listings):
    rows_of = ["day/cat/a.png,day,cat", "day/dog/b.png,day,_unlabelled"]
    manifest = data / "m.csv"
    manifest.write_text("\n".join(["path,domain,label", *rows_of, ""]))
    snapshot = take_snapshot(manifest, listings)
    assert paths(snapshot) == ["day/cat/a.png"]
    assert "1 picture without a label" in snapshot.notes[0]


def test_data_without_any_label_are_refused(tmp_path, listings):
    data = write_files(tmp_path / "new", UNLABELLED)
    with pytest.raises(InputError, match=r"no picture has a label\. Left out: 2 pictures"):
        take_snapshot(data, listings)

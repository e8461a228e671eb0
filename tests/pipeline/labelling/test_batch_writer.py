import errno
import os
from collections import Counter
from pathlib import Path

import pytest
from label_page import open_session
from tiny_pictures import solid, write_files

from pipeline.inputs.folder import scan_folder
from pipeline.labelling.batch_writer import write_batch
from pipeline.labelling.labelling_session import LabellingSession
from pipeline.labelling.picture_list import picture_id
from pipeline.picture_selection.folder_names import name_folders
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter


@pytest.fixture(name="folder")
def _folder(tmp_path):
    folder = tmp_path / "pictures"
    paths = ("_to_label/1", "_to_label/2", "_to_label/3", "_to_label/sub/4", "5", "dog/6")
    write_files(folder, {f"fog/{name}.png": solid("red") for name in paths})
    return folder


def label(session: LabellingSession) -> None:
    """Decide about the pictures 1 to 4; 5 is open, and the folder of 6 names its class."""
    for name, *decision in (
        ("_to_label/1", "labelled", "dog"),
        ("_to_label/2", "skipped"),
        ("_to_label/3", "unusable"),
        ("_to_label/sub/4", "labelled", "cat"),
    ):
        session.decide(picture_id(f"fog/{name}.png"), *decision)


def files(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_what_a_link_leads_to_outside_the_folder_is_copied(folder, tmp_path):
    outside = tmp_path / "outside.png"
    outside.write_bytes(solid("blue"))
    (folder / "fog" / "dog" / "7.png").symlink_to(outside)
    (folder / "fog" / "dog" / "8.png").symlink_to("6.png")
    with open_session(folder, ["dog"]) as session:
        write_batch(session, folder, tmp_path / "batch", only_labelled=False)
    written = tmp_path / "batch" / "fog" / "dog"
    assert (written / "7.png").read_bytes() == outside.read_bytes()
    assert not (written / "7.png").samefile(outside)
    assert (written / "8.png").samefile(folder / "fog" / "dog" / "6.png")


def test_a_batch_has_labelled_pictures_by_class_and_the_others_without_a_label(folder, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    output = tmp_path / "inbox" / "batch"
    output.parent.mkdir()
    with open_session(folder, ["cat", "dog"]) as session:
        label(session)
        written = write_batch(session, folder, output, only_labelled=False)
    assert files(output) == [
        "_READY",
        "fog/_unlabelled/2.png",
        "fog/_unlabelled/5.png",
        "fog/cat/sub/4.png",
        "fog/dog/1.png",
        "fog/dog/6.png",
    ]
    assert (output / "fog/dog/1.png").samefile(folder / "fog/_to_label/1.png")
    assert written.labels == Counter({("fog", "cat"): 1, ("fog", "dog"): 2})
    assert written.num_unlabelled == 2
    assert written.left_out == {"fog/_to_label/3.png": "marked as unusable"}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert names(output.parent) == ["batch"]


def test_pictures_without_a_label_can_be_left_out(folder, tmp_path):
    with open_session(folder, ["cat", "dog"]) as session:
        label(session)
        write_batch(session, folder, tmp_path / "batch", only_labelled=True)
    expected = ["_READY", "fog/cat/sub/4.png", "fog/dog/1.png", "fog/dog/6.png"]
    assert files(tmp_path / "batch") == expected


def test_two_pictures_of_one_name_get_different_names(folder, tmp_path):
    write_files(folder, {"fog/1.png": solid("blue")})
    with open_session(folder, ["dog"]) as session:
        for path in ("fog/1.png", "fog/_to_label/1.png"):
            session.decide(picture_id(path), "labelled", "dog")
        write_batch(session, folder, tmp_path / "batch", only_labelled=True)
    second = f"fog/dog/{picture_id('fog/1.png')}-1.png"
    assert set(files(tmp_path / "batch")) == {"_READY", "fog/dog/1.png", "fog/dog/6.png", second}


def test_on_another_disk_the_pictures_are_copies(folder, tmp_path, monkeypatch):
    def fail(*_args: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", fail)
    with open_session(folder) as session:
        write_batch(session, folder, tmp_path / "batch", only_labelled=True)
    copy, original = tmp_path / "batch/fog/dog/6.png", folder / "fog/dog/6.png"
    assert not copy.samefile(original)
    assert copy.read_bytes() == original.read_bytes()


def test_a_file_that_was_changed_since_the_start_is_left_out(folder, tmp_path):
    with open_session(folder) as session:
        write_files(folder, {"fog/5.png": b"changed"})
        (folder / "fog/_to_label/1.png").unlink()
        written = write_batch(session, folder, tmp_path / "batch", only_labelled=False)
    assert written.left_out == dict.fromkeys(
        ["fog/5.png", "fog/_to_label/1.png"], "changed or removed since the start"
    )
    assert "fog/_unlabelled/5.png" not in files(tmp_path / "batch")


def test_groups_splits_and_slices_go_along_in_a_sidecar_that_fits_the_new_paths(folder, tmp_path):
    (folder / "sidecar.csv").write_text(
        "path,group,split,site\nfog/_to_label/1.png,=a,,Oslo\nfog/5.png,,test,\n"
    )
    with open_session(folder, ["cat", "dog"]) as session:
        label(session)
        write_batch(session, folder, tmp_path / "batch", only_labelled=False)
    listed: list[ListingRow] = []
    scan_folder(tmp_path / "batch", listed.append, slices=("site",))
    assert {row["path"]: row["group"] for row in listed if "group" in row} == {
        "fog/dog/1.png": "=a"
    }
    sites = {row["path"]: row["slices"] for row in listed if row.get("slices")}
    assert sites == {"fog/dog/1.png": {"site": "Oslo"}}
    assert [row["path"] for row in listed if "split" in row] == ["fog/_unlabelled/5.png"]


@pytest.mark.parametrize("domain", ["gate/1", ".night", "=1/2", "x" * 250])
def test_labels_of_a_domain_that_no_folder_can_have_come_back_with_its_name(tmp_path, domain):
    name = name_folders([domain])[domain]
    folder = tmp_path / "pictures"
    write_files(folder, {f"{name}/_to_label/1.png": solid("red")})
    with (folder / "sidecar.csv").open("w", newline="") as file:
        SpreadsheetWriter(file, ["path", "domain"]).write_row([f"{name}/_to_label/1.png", domain])
    with open_session(folder, ["cat"]) as session:
        session.decide(picture_id(f"{name}/_to_label/1.png"), "labelled", "cat")
        written = write_batch(session, folder, tmp_path / "batch", only_labelled=True)
    assert written.labels == Counter({(domain, "cat"): 1})
    listed: list[ListingRow] = []
    scan_folder(tmp_path / "batch", listed.append)
    assert [(row["domain"], row["label"]) for row in listed if row["path"] != "_READY"] == [
        (domain, "cat")
    ]


def test_a_folder_that_exists_is_never_written_to(folder, tmp_path):
    write_files(tmp_path, {"batch/other.txt": b""})
    with open_session(folder) as session, pytest.raises(InputError, match="exists already"):
        write_batch(session, folder, tmp_path / "batch", only_labelled=False)
    assert files(tmp_path / "batch") == ["other.txt"]


@pytest.mark.parametrize("only_labelled", [False, True])
def test_a_batch_without_a_label_is_refused(folder, tmp_path, only_labelled):
    (folder / "fog/dog/6.png").unlink()
    message = r"no picture of .*pictures that can be used has a label, .*Give labels on the page"
    with open_session(folder) as session, pytest.raises(InputError, match=message):
        write_batch(session, folder, tmp_path / "batch", only_labelled)
    assert names(tmp_path) == ["labels.jsonl", "pictures"]


def test_a_full_disk_leaves_no_part_of_a_batch(folder, tmp_path, monkeypatch):
    def fail(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copy2", fail)
    monkeypatch.setattr(os, "link", fail)
    with open_session(folder) as session:
        with pytest.raises(UnavailableError, match=r"No space left .*The labels are kept"):
            write_batch(session, folder, tmp_path / "batch", only_labelled=False)
        monkeypatch.undo()
        write_batch(session, folder, tmp_path / "batch", only_labelled=False)
    assert names(tmp_path) == ["batch", "labels.jsonl", "pictures"]


def test_a_hidden_folder_of_another_is_kept(folder, tmp_path):
    write_files(tmp_path, {".batch.part/mine.txt": b"precious"})
    with open_session(folder) as session:
        write_batch(session, folder, tmp_path / "batch", only_labelled=False)
    assert files(tmp_path / ".batch.part") == ["mine.txt"]
    assert names(tmp_path) == [".batch.part", "batch", "labels.jsonl", "pictures"]


def test_a_folder_with_the_name_of_a_picture_gets_another_path(folder, tmp_path):
    write_files(folder, {"fog/dog/5.png/7.png": solid("blue")})
    with open_session(folder, ["dog"]) as session:
        session.decide(picture_id("fog/5.png"), "labelled", "dog")
        write_batch(session, folder, tmp_path / "batch", only_labelled=True)
    inner = f"fog/dog/{picture_id('fog/dog/5.png/7.png')}-7.png"
    assert set(files(tmp_path / "batch")) == {"_READY", "fog/dog/5.png", "fog/dog/6.png", inner}


def test_a_folder_whose_name_is_too_long_is_refused(folder, tmp_path):
    with open_session(folder) as session, pytest.raises(InputError, match=r"--output .*too long"):
        write_batch(session, folder, tmp_path / ("n" * 300), only_labelled=False)


def test_a_file_that_nobody_has_seen_and_that_cannot_be_read_is_left_out(folder, tmp_path):
    write_files(folder, {"fog/empty.png": b"", "fog/dog/bad.png": b"bad", "fog/seen.png": b"bad"})
    with open_session(folder, ["dog"]) as session:
        session.decide(picture_id("fog/seen.png"), "labelled", "dog")
        written = write_batch(session, folder, tmp_path / "batch", only_labelled=True)
    assert written.left_out == {"fog/dog/bad.png": "not a picture in a known format"}
    assert written.num_omitted == 6
    assert "fog/dog/seen.png" in files(tmp_path / "batch")

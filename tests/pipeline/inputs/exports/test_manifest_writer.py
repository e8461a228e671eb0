"""Folders become manifests; what is no export is refused."""

import re
from collections import Counter

import pytest
from tiny_annotations import coco, convert, manifest_of, pictures, rows, skipped
from tiny_pictures import write_files

from pipeline.inputs.exports.manifest_writer import MAX_NAMED
from pipeline.inputs.manifest import read_manifest
from trainer_module.contract.errors import InputError


def test_folders_of_pictures_in_any_layout_become_a_manifest(tmp_path):
    names = [
        f"{s}/{c}/{n}.png" for s in ("train", "valid", "test") for c in ("x", "y") for n in "ab"
    ]
    export = write_files(tmp_path / "export", pictures(*names))
    convert(export)
    assert Counter((label, split) for _, _, label, split in rows(export)) == {
        (label, split): 2 for label in ("x", "y") for split in ("train", "eval", "test")
    }


def test_files_outside_of_the_layout_are_skipped_with_the_reason(tmp_path):
    names = [f"{d}/{c}/{n}.png" for d in ("day", "night") for c in ("x", "y") for n in "abcde"]
    export = write_files(tmp_path / "export", pictures(*names, "day/stray.png"))
    convert(export, domain=None)
    assert skipped(export) == {"day/stray.png": "not in <domain>/<class>/"}
    assert len(rows(export)) == 20


def test_an_export_without_a_domain_asks_for_it(tmp_path):
    export = write_files(tmp_path / "export", {"a.json": coco({"a.jpg": ["cat"]}), "a.jpg": b""})
    with pytest.raises(InputError, match=r"does not name the domain\. Give --domain NAME"):
        convert(export, domain=None)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{broken", "is no JSON"),
        ("a.json", b'{"shapes": [], "imagePath": "a.jpg"}', "none that is read: COCO"),
        ("a.json", b'{"images": [{}], "annotations": [], "categories": []}', "is damaged"),
        ("a.csv", b"image,choice\na.jpg,cat\n", "no folder and no JSON file"),
        ("a.txt", b"", "no folder and no JSON file"),
    ],
    ids=["broken", "LabelMe", "damaged", "table", "text"],
)
def test_a_file_that_is_no_export_is_refused_with_the_formats(tmp_path, name, content, message):
    export = write_files(tmp_path / "export", {name: content}) / name
    with pytest.raises(InputError, match=message) as error:
        convert(export)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"a.json": b'{"shapes": []}', "a.jpg": b""}, "a.json"),
        ({"data.yaml": b"", "labels/train/1.txt": b"0", "images/train/1.jpg": b""}, "data.yaml"),
        ({"labels/1.txt": b"0 .5 .5 1 1\n", "images/1.jpg": b""}, "1.txt"),
        ({"project.csv": b"image,choice\n1.jpg,cat\n", "1.jpg": b""}, "project.csv"),
    ],
    ids=["LabelMe", "YOLO", "YOLO without its config", "CSV of Label Studio"],
)
def test_a_folder_of_unknown_annotations_is_refused_with_the_formats(tmp_path, files, named):
    export = write_files(tmp_path / "export", files)
    with pytest.raises(InputError, match=rf"{re.escape(named)}' is no export that is read: COCO"):
        convert(export)


def test_a_sidecar_is_not_taken_for_annotations(tmp_path):
    export = write_files(tmp_path / "export", {"sidecar.csv": b"path,group\n", "1.jpg": b""})
    with pytest.raises(InputError, match=r"^data folder .* has pictures directly in it"):
        convert(export)


def test_damaged_xml_and_missing_exports_are_refused(tmp_path):
    export = write_files(tmp_path / "export", {"a.xml": b"<annotation>", **pictures("a.jpg")})
    with pytest.raises(InputError, match="a file is damaged"):
        convert(export)
    with pytest.raises(InputError, match="does not exist"):
        convert(tmp_path / "nowhere")


def test_only_the_first_skipped_pictures_are_named_on_the_terminal(tmp_path):
    labels = {f"{number:02d}.jpg": [] for number in range(30)} | {"x\x1b.jpg": [], "z.jpg": ["cat"]}
    export = write_files(tmp_path / "export", {"a.json": coco(labels), **pictures(*labels)})
    lines = list(convert(export).lines())
    assert sum(line.startswith("skipped: ") for line in lines) == MAX_NAMED
    assert all(line.isprintable() for line in lines)


def test_a_converted_export_without_skipped_pictures_removes_an_older_list(tmp_path):
    (tmp_path / "list.skipped.csv").write_text("old")
    export = write_files(tmp_path / "export", {"a.json": coco({"a.jpg": ["cat"]}), "a.jpg": b""})
    convert(export)
    assert not (tmp_path / "list.skipped.csv").exists()


def test_groups_of_a_sidecar_are_in_the_manifest(tmp_path):
    names = [f"{d}/{c}/{n}.png" for d in ("day", "night") for c in ("x", "y") for n in "abc"]
    sidecar = b"path,group\nday/x/a.png,film 7\nnight/y/c.png,film 7\n"
    export = write_files(tmp_path / "export", pictures(*names) | {"sidecar.csv": sidecar})
    convert(export, domain=None)
    assert len(rows(export)) == 12
    found = read_manifest(str(manifest_of(export)))
    assert [(row["path"], row["group"]) for row in found if "group" in row] == [
        ("export/day/x/a.png", "film 7"),
        ("export/night/y/c.png", "film 7"),
    ]


def test_further_columns_of_a_sidecar_are_in_the_manifest(tmp_path):
    names = [f"{d}/{c}/{n}.png" for d in ("day", "night") for c in ("x", "y") for n in "abc"]
    sidecar = b"path,Hour\nday/x/a.png,7\n"
    export = write_files(tmp_path / "export", pictures(*names) | {"sidecar.csv": sidecar})
    convert(export, domain=None)
    found = read_manifest(str(manifest_of(export)), slices=("hour",))
    assert {row["path"]: row["slices"] for row in found if "slices" in row} == {
        "export/day/x/a.png": {"hour": "7"}
    }


@pytest.mark.parametrize(
    "name", ["__MACOSX/._a.json", "._a.json", "@eaDir/a.json/b.json", ".cache/broken.json"]
)
def test_files_of_systems_in_an_export_are_left_alone(tmp_path, name):
    files = {"a.json": coco({"a.jpg": ["cat"], "b.jpg": ["dog"]}), **pictures("a.jpg", "b.jpg")}
    export = write_files(tmp_path / "export", files | {name: b"\0\5\26\7"})
    convert(export)
    assert len(rows(export)) == 2


def test_names_that_a_spreadsheet_would_compute_are_read_as_they_were(tmp_path):
    domains, classes = ("=cmd()", "'=a", "-1"), ("@x", "+1+1", "a;=1")
    names = [f"{d}/{c}/{n}.png" for d in domains for c in classes for n in ("=1", "b")]
    export = write_files(tmp_path / "export", pictures(*names))
    convert(export, domain=None)
    written = manifest_of(export).read_text()
    assert not any(line.startswith(("=", "+", "-", "@")) for line in written.splitlines())
    assert ",=" not in written
    assert {(domain, label) for _, domain, label, _ in rows(export)} == {
        (domain, label) for domain in domains for label in classes
    }
    assert all((export / name).exists() for name in names)


def test_names_that_a_manifest_would_not_keep_and_pictures_without_a_label_are_skipped(tmp_path):
    names = ("Face /1.png", "_unlabelled/2.png", "Face/3.png", "Food/4.png")
    export = write_files(tmp_path / "export", pictures(*(f"day/{name}" for name in names)))
    convert(export, domain=None)
    assert [label for _, _, label, _ in rows(export)] == ["Face", "Food"]
    assert skipped(export) == {
        "day/Face /1.png": "name 'Face ' begins or ends with a space. Rename the folder",
        "day/_unlabelled/2.png": "it has no label yet",
    }

"""COCO files become manifests, and pictures without a single class are named."""

import json
from collections import Counter

import pytest
from tiny_annotations import coco, convert, manifest_of, pictures, rows, skipped
from tiny_pictures import write_files

from trainer_module.contract.errors import InputError


@pytest.mark.parametrize(
    ("annotations", "folder"),
    [
        ("{}/_annotations.coco.json", "{}"),
        ("annotations/instances_{}2017.json", "{}2017"),
        ("annotations/{}.json", "images/{}"),
    ],
    ids=["Roboflow", "COCO 2017", "images of a split"],
)
def test_coco_files_of_several_splits_become_one_manifest(tmp_path, annotations, folder):
    export, files = tmp_path / "export", {}
    for split in ("train", "val", "test"):
        names = [f"{split}{number}.jpg" for number in range(2)]
        files[annotations.format(split)] = coco({names[0]: ["cat"], names[1]: ["dog", "dog"]})
        files |= pictures(*(f"{folder.format(split)}/{name}" for name in names))
    convert(write_files(export, files))
    splits = {"train": "train", "val": "eval", "test": "test"}
    assert sorted(rows(export)) == sorted(
        (f"export/{folder.format(name)}/{name}{number}.jpg", "web", label, split)
        for name, split in splits.items()
        for number, label in enumerate(("cat", "dog"))
    )
    assert not (tmp_path / "list.skipped.csv").exists()


def test_a_single_coco_file_leaves_the_splits_to_the_hash(tmp_path):
    content = coco({"a.jpg": ["cat"], "sub/b.jpg": ["dog"]})
    files = {"train.json": content, **pictures("a.jpg", "sub/b.jpg")}
    export = write_files(tmp_path / "export", files) / "train.json"
    convert(export, images=tmp_path / "export")
    assert rows(export) == [("a.jpg", "web", "cat", ""), ("sub/b.jpg", "web", "dog", "")]


def test_pictures_of_a_detection_export_are_named_and_never_relabelled(tmp_path):
    labels = {
        "both.jpg": ["cat", "dog"],
        "cat.jpg": ["cat", "cat"],
        "none.jpg": [],
        "gone.jpg": ["dog"],
    }
    files = {"_annotations.coco.json": coco(labels), **pictures("both.jpg", "cat.jpg", "none.jpg")}
    export = write_files(tmp_path / "export", files)
    written = convert(export)
    assert rows(export) == [("export/cat.jpg", "web", "cat", "")]
    assert skipped(export) == {
        "both.jpg": "it has several labels: 'cat' and 'dog'",
        "none.jpg": "it has no label",
        "gone.jpg": "the file is not found",
    }
    lines = list(written.lines())
    assert "skipped: 'both.jpg': it has several labels: 'cat' and 'dog'" in lines
    assert any(line.startswith("3 of 4 pictures skipped; all are listed in ") for line in lines)


def test_an_export_for_detection_alone_is_refused_with_the_numbers(tmp_path):
    labels = {f"{number}.jpg": ["cat", "dog"] for number in range(30)}
    files = {"a.json": coco(labels), **pictures(*labels)}
    export = write_files(tmp_path / "export", files)
    with pytest.raises(
        InputError,
        match=r"one class: it has several labels \(30\)\. All are listed in .*list.skipped.csv",
    ):
        convert(export)
    assert len(skipped(export)) == 30
    assert not manifest_of(export).exists()


def test_a_picture_that_two_files_label_differently_is_skipped(tmp_path):
    files = {
        "one.json": coco({"a.jpg": ["cat"], "b.jpg": ["cat"]}),
        "two.json": coco({"a.jpg": ["dog"], "b.jpg": ["cat"]}),
        **pictures("a.jpg", "b.jpg"),
    }
    export = write_files(tmp_path / "export", files)
    convert(export)
    assert rows(export) == [("export/b.jpg", "web", "cat", "")]
    assert skipped(export) == {"a.jpg": "it has several labels: 'cat' and 'dog'"}


def test_a_picture_that_two_splits_share_is_skipped(tmp_path):
    files = {
        "instances_train.json": coco({"a.jpg": ["cat"], "b.jpg": ["cat"]}),
        "instances_test.json": coco({"a.jpg": ["cat"], "c.jpg": ["cat"]}),
        **pictures("a.jpg", "b.jpg", "c.jpg"),
    }
    export = write_files(tmp_path / "export", files)
    convert(export)
    assert skipped(export) == {"a.jpg": "it is in two splits: test and train"}


def test_annotations_of_an_unknown_picture_are_named(tmp_path):
    content = json.loads(coco({"a.jpg": ["cat"]}))
    content["annotations"].append({"id": 9, "image_id": 77, "category_id": 0})
    files = {"x.json": json.dumps(content).encode(), **pictures("a.jpg")}
    export = write_files(tmp_path / "export", files)
    convert(export)
    assert list(skipped(export)) == ["image 77"]


def test_the_same_name_in_two_folders_is_not_mixed_up(tmp_path):
    files = {
        "x.json": coco(
            {"a/1.jpg": ["cat"], "b/1.jpg": ["dog"], "1.jpg": ["dog"], "c/1.jpg": ["dog"]}
        ),
        **pictures("a/1.jpg", "b/1.jpg"),
    }
    export = write_files(tmp_path / "export", files)
    convert(export)
    assert rows(export) == [
        ("export/a/1.jpg", "web", "cat", ""),
        ("export/b/1.jpg", "web", "dog", ""),
    ]
    assert skipped(export)["c/1.jpg"] == "the file is not found"
    assert skipped(export)["1.jpg"].startswith("several files have its name")


def test_a_missing_split_gets_its_share_of_the_training_pictures(tmp_path):
    train = {f"t{number}.jpg": ["cat"] for number in range(200)}
    files = {
        "train/_annotations.coco.json": coco(train),
        "test/_annotations.coco.json": coco({"x.jpg": ["cat"]}),
        **pictures(*(f"train/{name}" for name in train), "test/x.jpg"),
    }
    export = write_files(tmp_path / "export", files)
    convert(export)
    counts = Counter(split for *_, split in rows(export))
    assert counts["test"] == 1
    assert 15 <= counts["eval"] <= 45


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("http://[x/b.jpg", "its name is unusable: Invalid IPv6 URL"),
        (f"{'x' * 300}.jpg", "its name is unusable: File name too long"),
        ("b\0.jpg", "the file is not found"),
    ],
    ids=["address", "long", "NUL"],
)
def test_a_name_that_no_file_can_have_is_skipped_alone(tmp_path, name, reason):
    content = coco({"a.jpg": ["cat"], name: ["cat"]})
    convert(write_files(tmp_path / "export", {"train.json": content, **pictures("a.jpg")}))
    assert [path for path, *_ in rows(tmp_path / "export")] == ["export/a.jpg"]
    assert list(skipped(tmp_path / "export").values()) == [reason]

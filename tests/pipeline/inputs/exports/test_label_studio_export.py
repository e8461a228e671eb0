"""Tasks of Label Studio become manifests, and pictures without one choice are named."""

import json

import pytest
from tiny_annotations import convert, manifest_of, pictures, rows, skipped, task
from tiny_pictures import write_files


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/1/0a1b2c3d-a%20b.jpg",
        "/data/local-files/?d=sub/a%20b.jpg",
        "https://labels.example.org/data/upload/1/0a1b2c3d-a%20b.jpg?x=1",
        "sub/a b.jpg",
    ],
    ids=["upload", "local file", "server", "relative"],
)
def test_label_studio_tasks_find_their_pictures(tmp_path, address):
    write_files(tmp_path / "media", pictures("sub/a b.jpg"))
    export = tmp_path / "export.json"
    export.write_text(json.dumps([task(address, "cat")]))
    convert(export, images=tmp_path / "media")
    assert rows(export) == [("media/sub/a b.jpg", "web", "cat", "")]


def test_a_picture_in_a_store_keeps_its_address(tmp_path):
    export = tmp_path / "export.json"
    export.write_text(json.dumps([task("s3://bucket/a.jpg", "cat")]))
    convert(export)
    assert manifest_of(export).read_text().splitlines()[1] == "s3://bucket/a.jpg,web,cat,"


def test_label_studio_tasks_without_one_choice_are_skipped(tmp_path):
    write_files(tmp_path, pictures("a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"))
    disagreement = task("b.jpg", "cat")
    disagreement["annotations"] += task("b.jpg", "dog")["annotations"]
    cancelled = task("e.jpg", "dog")
    cancelled["annotations"][0]["was_cancelled"] = True
    tasks = [task("a.jpg", "cat"), disagreement, task("c.jpg"), cancelled]
    tasks.append(task("d.jpg", "cat", "dog", kind="rectanglelabels"))
    export = tmp_path / "export.json"
    export.write_text(json.dumps(tasks))
    convert(export)
    assert rows(export) == [("a.jpg", "web", "cat", "")]
    assert skipped(export) == {
        "b.jpg": "it has several labels: 'cat' and 'dog'",
        "c.jpg": "it has no label",
        "d.jpg": "it has several labels: 'cat' and 'dog'",
        "e.jpg": "it has no label",
    }


@pytest.mark.parametrize("said", ["g", ["g"], {"Label": "dog", "": "g", "group": 7, "hour": " "}])
def test_data_of_another_form_under_the_key_of_the_sidecar_are_no_columns(tmp_path, said):
    write_files(tmp_path, pictures("a.jpg"))
    export = tmp_path / "export.json"
    one = task("a.jpg", "cat")
    one["data"]["sidecar"] = said
    export.write_text(json.dumps([one]))
    convert(export)
    assert manifest_of(export).read_text() == "path,domain,label,split\na.jpg,web,cat,\n"


def test_a_column_that_is_no_text_in_utf_8_skips_its_picture(tmp_path):
    write_files(tmp_path, pictures("a.jpg", "b.jpg"))
    tasks = [task("a.jpg", "cat"), task("b.jpg", "cat")]
    tasks[0]["data"]["sidecar"] = {"group": "\udcff"}
    export = tmp_path / "export.json"
    export.write_text(json.dumps(tasks))
    convert(export)
    assert rows(export) == [("b.jpg", "web", "cat", "")]
    assert "not named in UTF-8" in skipped(export)["a.jpg"]


@pytest.mark.parametrize(
    "labels",
    [
        {"choice": "cat"},
        {"choice": {"choices": ["cat"]}},
        {"label": [{"x": 1, "rectanglelabels": ["cat"]}, {"rectanglelabels": ["cat"]}]},
    ],
    ids=["choice", "choices", "regions"],
)
def test_json_min_of_label_studio_is_read_too(tmp_path, labels):
    write_files(tmp_path, pictures("a.jpg"))
    export = tmp_path / "export.json"
    export.write_text(json.dumps([{"image": "a.jpg", "id": 3, "annotator": 1, **labels}]))
    convert(export)
    assert rows(export) == [("a.jpg", "web", "cat", "")]

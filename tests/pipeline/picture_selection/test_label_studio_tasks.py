"""Tasks for Label Studio have predictions, and its export becomes a labelled batch."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tiny_pictures import solid, write_files

from pipeline.inputs.exports.manifest_writer import write_manifest
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.picture_columns import picture_columns
from pipeline.picture_selection.label_studio_tasks import write_labelling_config, write_tasks
from pipeline.picture_selection.selection import Choice
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.inbox import Delivery

pytestmark = pytest.mark.component

#: Path in the output folder -> domain, predicted class, class that a person gives.
CHOSEN = {
    "fog/_to_label/a b#1.png": ("fog", "car", "bus"),
    "fog/_to_label/100%.png": ("fog", "car", "car"),
    "rain/_to_label/\u00e4.png": ("rain", "bus", "car"),
}

#: What the listing says of some of them besides. "a.jpg" is no address of a picture.
COLUMNS = {
    "fog/_to_label/100%.png": {"group": "=film 7", "split": "test", "hour": "a.jpg"},
    "rain/_to_label/\u00e4.png": {"group": "film 8"},
}


@pytest.fixture(name="output")
def _output(tmp_path: Path) -> Path:
    """A folder of chosen pictures with their tasks."""
    output = tmp_path / "pictures" / "to-label"
    contents = {name: solid((number, 0, 0)) for number, name in enumerate(CHOSEN)}
    write_files(output, contents)
    choices = [
        (name, Choice(picture_of(name, domain), "diverse", label, 0.75))
        for name, (domain, label, _) in CHOSEN.items()
    ]
    write_tasks(choices, output, "vehicles 3", output / "label_studio.json")
    return output


def picture_of(name: str, domain: str) -> UnlabelledPicture:
    return UnlabelledPicture("", name, domain, columns=COLUMNS.get(name, {}))


def tasks_of(output: Path) -> list[dict[str, Any]]:
    return json.loads((output / "label_studio.json").read_text())


def test_a_task_names_a_file_of_the_local_storage_and_the_prediction(output):
    task = tasks_of(output)[0]
    assert task["data"] == {
        "image": "/data/local-files/?d=to-label/fog/_to_label/a%20b%231.png",
        "domain": "fog",
        "why": "diverse",
    }
    [prediction] = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("vehicles 3", 0.75)
    assert prediction["result"] == [
        {
            "from_name": "label",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": ["car"]},
        }
    ]


def exported(output: Path, minimal: bool) -> list[dict[str, Any]]:
    """Return what Label Studio exports once a person has labelled all tasks."""
    found = []
    for number, (task, (_, _, label)) in enumerate(
        zip(tasks_of(output), CHOSEN.values(), strict=True)
    ):
        if minimal:
            found.append({"id": number, "annotator": 1, **task["data"], "label": label})
            continue
        result = task["predictions"][0]["result"][0] | {"value": {"choices": [label]}}
        annotation = {"id": number, "was_cancelled": False, "result": [result]}
        found.append({"id": number, "annotations": [annotation], **task})
    return found


@pytest.mark.parametrize("minimal", [False, True], ids=["JSON", "JSON-MIN"])
@pytest.mark.parametrize("images", ["to-label", "."])
def test_the_export_of_the_tasks_becomes_a_batch_with_labels_and_further_columns(
    output, minimal, images
):
    export = output.parent / "export.json"
    export.write_text(json.dumps(exported(output, minimal)))
    manifest = output / "batch.csv"
    written = write_manifest(export, output.parent / images, LayoutOptions(), manifest)
    assert written.skipped == []
    delivery = Delivery("batch", manifest, complete=True, changed=0)
    store = BatchStore(output.parent / "batches", slices=("hour",))
    rows = store.read(store.add(delivery).digest)
    assert {row["name"]: (row["domain"], row["label"]) for row in rows} == {
        name: (domain, label) for name, (domain, _, label) in CHOSEN.items()
    }
    assert {row["name"]: picture_columns(row) for row in rows if picture_columns(row)} == COLUMNS


def test_what_is_left_in_the_folder_of_a_delivered_output_is_unlabelled(output):
    (output / "fog" / "bus").mkdir()
    name = "fog/_to_label/a b#1.png"
    (output / name).rename(output / "fog" / "bus" / "a.png")
    delivery = Delivery("batch", output, complete=True, changed=0)
    store = BatchStore(output.parent / "batches")
    rows = store.read(store.add(delivery).digest)
    labels = {row["name"]: row["label"] for row in rows if "reason" not in row}
    assert labels == dict.fromkeys(CHOSEN.keys() - {name}, "") | {"fog/bus/a.png": "bus"}


def test_the_labelling_interface_offers_every_class(tmp_path):
    classes = ["car", 'a "b" & <c>', "\u00e4"]
    write_labelling_config(classes, tmp_path / "config.xml")
    view = ElementTree.parse(tmp_path / "config.xml").getroot()  # noqa: S314 (our own file)
    assert [choice.get("value") for choice in view.iter("Choice")] == classes
    [image], [choices] = view.iter("Image"), view.iter("Choices")
    assert image.get("value") == "$image"
    assert (choices.get("name"), choices.get("toName")) == ("label", image.get("name"))

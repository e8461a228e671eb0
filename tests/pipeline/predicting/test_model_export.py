"""Exports of a tiny model, and their metrics."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tiny_backbone
from tiny_exports import LABELS, export_tiny, push_of
from tiny_pictures import solid, write_files

from components.pusher.data_set import SCHEMA
from components.pusher.version_store import VersionStore
from pipeline.predicting.model_export import export_model
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PICTURES

pytestmark = [pytest.mark.component, pytest.mark.slow]

SEED = 5


def row(number: int, split: str) -> dict[str, object]:
    """Return a row of a data set."""
    return {
        "location": f"pictures/{split}-{number}.png".encode(),
        "domain": "day" if number < 8 else "night",
        "label": LABELS[number % 3],
        "split": split,
        "content": bytes([number]) * 16,
    }


ROWS = [
    *(row(number, split) for split in ("train", "test") for number in range(12)),
    row(12, "train") | {"domain": "fog"},  # a cross-fitted domain has no test split
]


def list_pictures(model: Path) -> None:
    """Keep the list of pictures with a version, as a push does."""
    pq.write_table(pa.Table.from_pylist(ROWS, schema=SCHEMA), model / PICTURES)


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An exported model on `tiny_backbone`, which can be loaded."""
    with tiny_backbone.tiny_backbone():
        yield export_tiny(tmp_path_factory.mktemp("export") / "model", SEED)


@pytest.fixture(name="store", scope="module")
def _store(model: Path, tmp_path_factory: pytest.TempPathFactory) -> VersionStore:
    root = tmp_path_factory.mktemp("workspace")
    drawn = random.Random(1)  # noqa: S311 - no secret
    colours = [tuple(drawn.choices(range(256), k=3)) for _ in ROWS]
    names = [one["location"].decode() for one in ROWS]
    write_files(root, {name: solid(one) for name, one in zip(names, colours, strict=True)})
    store = VersionStore(root, "shapes")
    store.push(model, push_of(SEED), complete=list_pictures)
    return store


def exported(store: VersionStore, form: str, output: Path) -> tuple[bytes, dict[str, Any]]:
    export_model(store.root, None, form, output)
    path = output / f"shapes-1-{form}"
    [model] = [found for found in output.glob(f"{path.name}.*") if found.suffix != ".json"]
    return model.read_bytes(), json.loads(path.with_suffix(".json").read_text())


def expected_accuracy(store: VersionStore) -> float:
    """Return the accuracy of the SavedModel on the test split."""
    tests = [one for one in ROWS if one["split"] == "test"]
    images = [(store.root / one["location"].decode()).read_bytes() for one in tests]
    served = tf.saved_model.load(str(store.path(1))).signatures["serving_default"]
    labels = served(image=tf.constant(images))["label"].numpy()
    return np.mean([a.decode() == b["label"] for a, b in zip(labels, tests, strict=True)])


@pytest.fixture(name="half_precision", scope="module")
def _half_precision(
    store: VersionStore, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, dict[str, Any]]:
    return exported(store, "tflite-float16", tmp_path_factory.mktemp("half"))


def test_a_half_precision_export_agrees_with_the_saved_model(store, half_precision):
    content, report = half_precision
    assert report["all"]["test_images"] == 12
    assert report["all"]["agreement"] == 1
    assert report["all"]["accuracy"] == pytest.approx(expected_accuracy(store))
    assert report["all"]["saved_model_accuracy"] == report["all"]["accuracy"]
    assert {name: one["test_images"] for name, one in report["domains"].items()} == {
        "day": 8,
        "night": 4,
    }
    assert report["untested"] == ["fog"]
    assert report["labels"] == list(LABELS)
    assert report["bytes"] == len(content)


def test_without_an_output_folder_the_export_is_written_to_the_workspace(store, capfd):
    export_model(store.root, None, "tflite-float16", None)
    names = {path.name for path in (store.root / "exports" / "shapes" / "1").iterdir()}
    assert names == {"shapes-1-tflite-float16.tflite", "shapes-1-tflite-float16.json"}
    printed = capfd.readouterr().out
    assert "night" in printed  # metrics by domain are printed
    assert "Not compared, because they have no test split: 'fog'\n" in printed


def test_an_8_bit_export_is_smaller_and_takes_float_pixels(store, half_precision, tmp_path):
    half, _ = half_precision
    content, report = exported(store, "tflite-int8", tmp_path)
    assert len(content) < 0.7 * len(half)
    [given] = tf.lite.Interpreter(model_content=content).get_input_details()
    assert given["dtype"] == np.float32
    assert report["all"]["agreement"] >= 0.5


def test_an_onnx_export_agrees_with_the_saved_model(store, tmp_path):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")
    _, report = exported(store, "onnx", tmp_path)
    assert report["all"]["agreement"] == 1


def test_the_error_names_a_picture_that_is_not_found(store, tmp_path):
    gone = store.root / "pictures" / "test-0.png"
    moved = gone.rename(tmp_path / "test-0.png")
    with pytest.raises(InputError, match=r"test-0\.png: cannot be opened"):
        export_model(store.root, None, "tflite-float16", tmp_path)
    moved.rename(gone)


def test_a_version_without_a_list_of_pictures_is_refused(model, tmp_path):
    store = VersionStore(tmp_path, "shapes")
    store.push(model, push_of(SEED))
    with pytest.raises(InputError, match="does not list its pictures"):
        export_model(tmp_path, None, "tflite-float16", tmp_path)

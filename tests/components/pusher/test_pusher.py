"""The Pusher with an Evaluator's real evaluation and blessing, and a real SavedModel."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_evaluation import Evaluated, at, digest_of, model_artifact
from tiny_models import ColourModel
from tiny_pictures import solid, write_files

from components.evaluation.predictions.stored_predictions import (
    Prediction,
    predictions_by_picture,
)
from components.image_example_gen.catalog import write_catalog
from components.image_example_gen.component import ImageCatalog
from components.pusher.executor import PusherExecutor, read_outcome
from components.pusher.version_store import VersionStore
from components.serving_check.executor import mark_blessing

pytestmark = pytest.mark.component

STATISTICS = b"of the training split"

PROPERTIES = {
    "model_name": "colours",
    "run_id": "20240101-000000",
    "run_key": "key",
    "baseline_version": 0,
    "data_root": "/data",
    "batch": "",
    "awaits_labels": 0,
}


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "workspace", "colours")


@pytest.fixture(name="push")
def _push(tmp_path: Path, store: VersionStore):
    """Runs the Pusher; returns its artifact."""

    def push(
        evaluated: Evaluated,
        serves: bool = True,
        model: Artifact | None = None,
        **properties: Any,
    ) -> Artifact:
        infra = at(standard_artifacts.InfraBlessing(), tmp_path / "infra")
        mark_blessing(infra, serves)
        pushed = at(standard_artifacts.PushedModel(), tmp_path / "pushed")
        statistics = at(standard_artifacts.ExampleStatistics(), tmp_path / "statistics")
        write_files(tmp_path / "statistics", {"Split-train/FeatureStats.pb": STATISTICS})
        catalog = at(ImageCatalog(), tmp_path / "catalog")
        write_catalog(catalog.uri, "00000-of-00001", [])
        inputs = {
            "catalog": [catalog],
            "model": [model or evaluated.model],
            "evaluation": [evaluated.evaluation],
            "model_blessing": [evaluated.blessing],
            "infra_blessing": [infra],
            "statistics": [statistics],
        }
        workspace = {"workspace": str(store.root)}
        PusherExecutor().Do(inputs, {"pushed_model": [pushed]}, PROPERTIES | workspace | properties)
        return pushed

    return push


@pytest.fixture(name="other", scope="module")
def _other(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Another model than the evaluated one."""
    folder = tmp_path_factory.mktemp("other")
    return model_artifact(folder, ColourModel(("red", "green", "blue"), factor=2.0))


def test_a_model_blessed_by_both_is_pushed_with_its_results(push, store, blessed):
    pushed = push(blessed)
    assert read_outcome(pushed.uri) == ("pushed", 1)
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_string_custom_property("pushed_version") == "1"
    record = store.read_push(1)
    assert (record.run_id, record.run_key, record.baseline_version) == (
        PROPERTIES["run_id"],
        "key",
        None,
    )
    assert record.domains["day"]["accuracy"] == 0.75
    assert record.domains["night"]["test_images"] == 2


def test_the_statistics_of_the_training_split_are_kept_with_the_version(push, store, blessed):
    push(blessed)
    kept = store.path(1) / "assets.extra" / "statistics" / "FeatureStats.pb"
    assert kept.read_bytes() == STATISTICS


def test_the_predictions_for_the_test_pictures_are_kept_with_the_version(push, store, blessed):
    push(blessed)
    kept = predictions_by_picture(store.path(1))
    assert kept[digest_of(b"0.png"), "red"] == Prediction("red", 1.0, 1.0)
    assert kept[digest_of(b"5.png"), "red"].predicted == "blue"


def test_the_pushed_version_makes_predictions(push, store, blessed):
    push(blessed)
    signature = tf.saved_model.load(str(store.path(1))).signatures["serving_default"]
    predictions = signature(image=tf.constant([solid("blue")]))
    assert predictions["label"].numpy().tolist() == [b"blue"]


@pytest.mark.parametrize(("evaluation", "serves"), [("blessed", False), ("rejected", True)])
def test_a_model_without_one_of_the_blessings_is_not_pushed(
    push, store, evaluation, serves, request
):
    pushed = push(request.getfixturevalue(evaluation), serves)
    assert read_outcome(pushed.uri) == ("not_blessed", None)
    assert pushed.get_int_custom_property("pushed") == 0
    assert store.versions() == []


@pytest.mark.parametrize(
    ("evaluation", "outcome"), [("blessed", "awaiting_labels"), ("rejected", "not_blessed")]
)
def test_a_blessed_model_that_awaits_labels_is_not_pushed(
    push, store, evaluation, outcome, request
):
    pushed = push(request.getfixturevalue(evaluation), awaits_labels=1)
    assert read_outcome(pushed.uri) == (outcome, None)
    assert pushed.get_int_custom_property("pushed") == 0
    assert store.versions() == []


def test_the_same_model_is_not_pushed_again(push, store, blessed):
    push(blessed)
    pushed = push(blessed, run_id="20240102-000000")
    assert read_outcome(pushed.uri) == ("already_serves", 1)
    assert pushed.get_int_custom_property("pushed") == 1
    assert store.versions() == [1]
    assert store.read_push(1).run_id == PROPERTIES["run_id"]


def test_another_model_becomes_the_next_version(push, store, blessed, other):
    push(blessed)
    pushed = push(blessed, model=other, baseline_version=1)
    assert read_outcome(pushed.uri) == ("pushed", 2)
    assert store.read_push(2).baseline_version == 1


def test_a_model_that_was_rolled_back_is_not_pushed_again(push, store, blessed, other):
    push(blessed)
    push(blessed, model=other)
    store.roll_back()
    pushed = push(blessed, model=other)
    assert read_outcome(pushed.uri) == ("rolled_back", 2)
    assert pushed.get_int_custom_property("pushed") == 0
    assert store.versions() == [1]

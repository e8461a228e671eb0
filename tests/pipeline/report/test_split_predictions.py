"""Predictions of a run, on files as ingestion and the Evaluator write them."""

from pathlib import Path

import numpy as np
import pytest
from tiny_models import example

from components.evaluation.predictions.prediction_files import FOLDER, write_part
from components.image_example_gen.shards import Shards
from pipeline.report import split_predictions
from pipeline.report.split_predictions import SplitPredictions, read_split_predictions
from trainer_module.contract import example_features

pytestmark = pytest.mark.component

#: Domain, true label, predicted label, confidence of the test pictures.
PICTURES = (
    ("day", "red", "red", 0.98),
    ("day", "red", "green", 0.6),
    ("day", "green", "red", 0.99),
    ("day", "blue", "blue", 0.97),
    ("night", "blue", "red", 0.8),
)
SUFFIXES = ("00000-of-00002", "00001-of-00002")


def written(folder: Path) -> SplitPredictions:
    """Write a chunk with the pictures of each domain, and read their predictions."""
    examples, evaluation = folder / "examples", folder / "evaluation"
    for split in example_features.SPLITS:
        (examples / f"Split-{split}").mkdir(parents=True)
    (evaluation / FOLDER).mkdir(parents=True)
    for suffix, domain in zip(SUFFIXES, ("day", "night"), strict=True):
        rows = []
        with Shards(str(examples), suffix) as shards:
            for number, (own, label, predicted, confidence) in enumerate(PICTURES):
                if own == domain:
                    name = f"{domain}/{label}/{number}.png".encode()
                    shards.write("test", example(domain, label, (number, 0, 0), name))
                    row = {"domain": domain, "label": label, "predicted": predicted}
                    rows.append({"image_id": name, "confidence": confidence, **row})
        write_part(str(evaluation), suffix, rows)
    return read_split_predictions(str(evaluation), str(examples))


def test_all_test_pictures_have_the_predictions_that_were_kept(tmp_path):
    predictions = written(tmp_path)
    assert list(predictions.domains) == ["day"] * 4 + ["night"]
    assert list(predictions.labels) == ["red", "red", "green", "blue", "blue"]
    assert list(predictions.predicted) == ["red", "green", "red", "blue", "red"]
    np.testing.assert_allclose(predictions.confidences, [0.98, 0.6, 0.99, 0.97, 0.8], rtol=1e-6)


def test_the_most_confident_mistakes_of_a_domain_come_first_with_their_pictures(tmp_path):
    predictions = written(tmp_path)
    names = {domain: [one.image_id for one in own] for domain, own in predictions.mistakes.items()}
    assert names == {
        "day": ["day/green/2.png", "day/red/1.png"],
        "night": ["night/blue/4.png"],
    }
    first = predictions.mistakes["day"][0]
    assert (first.label, first.predicted) == ("green", "red")
    assert first.content.startswith(b"\x89PNG")


def test_only_the_most_confident_of_many_mistakes_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(split_predictions, "MAX_MISTAKES", 1)
    predictions = written(tmp_path)
    assert [one.image_id for one in predictions.mistakes["day"]] == ["day/green/2.png"]


def test_a_run_that_kept_no_predictions_has_none(tmp_path):
    predictions = read_split_predictions(str(tmp_path), str(tmp_path))
    assert len(predictions.domains) == 0
    assert predictions.mistakes == {}

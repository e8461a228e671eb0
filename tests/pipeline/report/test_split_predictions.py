"""Predictions for the test split, on files as ingestion writes them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tiny_models import ColourModel, example, save_model

from components.image_example_gen.catalog import write_catalog
from components.image_example_gen.shards import Shards
from pipeline.report import test_picture_sample, test_predictions
from pipeline.report.test_predictions import SplitPredictions, predict_test_split
from trainer_module.contract import example_features

pytestmark = pytest.mark.component

#: Domain, true label, colour of the test pictures.
PICTURES = (
    ("day", "red", (250, 3, 2)),
    ("day", "red", (100, 150, 5)),
    ("day", "green", (254, 1, 0)),
    ("day", "blue", (0, 1, 254)),
    ("night", "blue", (200, 40, 15)),
)


@pytest.fixture(name="model", scope="module")
def _model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_model(tmp_path_factory.mktemp("model") / "model", ColourModel()))


def ingested(folder: Path) -> tuple[str, str]:
    """Examples and catalog with the pictures in the test split, and one in the train split."""
    examples, catalog = folder / "examples", folder / "catalog"
    for split in example_features.SPLITS:
        (examples / f"Split-{split}").mkdir(parents=True)
    catalog.mkdir()
    rows = []
    with Shards(str(examples), "00000-of-00001") as shards:
        for number, (domain, label, colour) in enumerate((*PICTURES, ("day", "red", (1, 2, 3)))):
            split = "test" if number < len(PICTURES) else "train"
            name = f"{domain}/{label}/{number}.png".encode()
            shards.write(split, example(domain, label, colour, name))
            row = {"image_id": name, "domain": domain, "label": label, "split": split}
            rows.append(row)
    write_catalog(str(catalog), "00000-of-00001", rows)
    return str(examples), str(catalog)


def predict(model: str, folder: Path) -> SplitPredictions:
    return predict_test_split(model, *ingested(folder))


def test_only_the_test_split_is_classified(model, tmp_path):
    predictions = predict(model, tmp_path)
    assert list(predictions.domains) == ["day"] * 4 + ["night"]
    assert list(predictions.labels) == ["red", "red", "green", "blue", "blue"]
    assert list(predictions.predicted) == ["red", "green", "red", "blue", "red"]
    np.testing.assert_allclose(predictions.confidences[1], 150 / 255, rtol=1e-5)
    assert predictions.num_test_pictures == {"day": 4, "night": 1}
    assert not predictions.is_sample


def test_the_most_confident_mistakes_of_a_domain_come_first_with_their_pictures(model, tmp_path):
    predictions = predict(model, tmp_path)
    names = {domain: [one.image_id for one in own] for domain, own in predictions.mistakes.items()}
    assert names == {
        "day": ["day/green/2.png", "day/red/1.png"],
        "night": ["night/blue/4.png"],
    }
    first = predictions.mistakes["day"][0]
    assert (first.label, first.predicted) == ("green", "red")
    assert first.content.startswith(b"\x89PNG")


def test_only_the_most_confident_of_many_mistakes_are_kept(model, tmp_path, monkeypatch):
    monkeypatch.setattr(test_predictions, "MAX_MISTAKES", 1)
    predictions = predict(model, tmp_path)
    assert [one.image_id for one in predictions.mistakes["day"]] == ["day/green/2.png"]


def test_of_many_pictures_a_sample_is_classified_with_a_share_for_every_domain(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(test_picture_sample, "MAX_PICTURES", 3)
    predictions = predict(model, tmp_path)
    assert Counter(predictions.domains) == {"day": 2, "night": 1}
    assert predictions.is_sample
    assert predictions.num_test_pictures == {"day": 4, "night": 1}

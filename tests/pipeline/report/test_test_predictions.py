"""What a model is asked, on the files that ingestion writes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tiny_models import ColourModel, example, save_model

from components.image_example_gen.catalog import write_catalog
from components.image_example_gen.shards import Shards
from pipeline.report import sampling, test_predictions
from pipeline.report.test_predictions import Answers, ask_model
from trainer_module.contract import example_features

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


def ask(model: str, folder: Path) -> Answers:
    return ask_model(model, *ingested(folder))


def test_every_test_picture_is_asked_about_and_no_other(model, tmp_path):
    found = ask(model, tmp_path)
    assert list(found.domains) == ["day"] * 4 + ["night"]
    assert list(found.labels) == ["red", "red", "green", "blue", "blue"]
    assert list(found.answers) == ["red", "green", "red", "blue", "red"]
    np.testing.assert_allclose(found.confidences[1], 150 / 255, rtol=1e-5)
    assert found.test_pictures == {"day": 4, "night": 1}
    assert not found.is_sample


def test_the_most_confident_mistakes_of_a_domain_come_first_with_their_pictures(model, tmp_path):
    found = ask(model, tmp_path)
    names = {domain: [one.image_id for one in own] for domain, own in found.mistakes.items()}
    assert names == {
        "day": ["day/green/2.png", "day/red/1.png"],
        "night": ["night/blue/4.png"],
    }
    first = found.mistakes["day"][0]
    assert (first.label, first.answer) == ("green", "red")
    assert first.content.startswith(b"\x89PNG")


def test_of_many_mistakes_the_most_confident_are_kept(model, tmp_path, monkeypatch):
    monkeypatch.setattr(test_predictions, "MOST_MISTAKES", 1)
    found = ask(model, tmp_path)
    assert [one.image_id for one in found.mistakes["day"]] == ["day/green/2.png"]


def test_of_many_pictures_a_sample_is_asked_about_with_a_share_for_every_domain(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(sampling, "MOST_PICTURES", 3)
    found = ask(model, tmp_path)
    assert Counter(found.domains) == {"day": 2, "night": 1}
    assert found.is_sample
    assert found.test_pictures == {"day": 4, "night": 1}

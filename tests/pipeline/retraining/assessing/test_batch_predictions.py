"""Predictions for rows of a batch: one call of pictures is in memory, whatever their number."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.retraining.assessing import batch_predictions
from pipeline.retraining.assessing.batch_predictions import ClassPredictions, predict_rows
from pipeline.retraining.deliveries.batch_store import BatchRow
from trainer_module.export.reference_embeddings import PER_DOMAIN
from trainer_module.export.saved_model_classifier import BATCH_SIZE


class Classifier:
    """Predicts `cat` with a confidence that tells the picture, and notes the calls."""

    def __init__(self) -> None:
        self.predicted: list[int] = []
        self.embedded: list[int] = []

    def predict(self, images: list[bytes]) -> Any:
        self.predicted.append(len(images))
        confidences = np.array([int(image) / 1000 for image in images], np.float32)
        return SimpleNamespace(labels=["cat"] * len(images), confidences=confidences)

    def embed(self, images: list[bytes]) -> npt.NDArray[np.float32]:
        self.embedded.append(len(images))
        return np.array([[int(image)] for image in images], np.float32)


def row(number: int, label: str = "") -> BatchRow:
    return BatchRow(path=f"{number}", name=f"{number}.png", domain="fog", label=label, sha256="00")


def test_pictures_are_read_when_the_model_needs_them_and_only_some_are_embedded(monkeypatch):
    classifier, read = Classifier(), []

    def read_pictures(rows: list[BatchRow], _: Path) -> Iterator[tuple[BatchRow, bytes]]:
        for one in rows:
            read.append(one["path"])
            assert len(read) - sum(classifier.predicted) <= BATCH_SIZE
            yield one, one["path"].encode()

    monkeypatch.setattr(batch_predictions, "_read", read_pictures)
    predicted = predict_rows(classifier, [row(number) for number in range(300)], Path())
    assert classifier.predicted == [64, 64, 64, 64, 44]
    assert classifier.embedded == [64, 64, 64, 64]
    assert predicted.embeddings[:, 0].tolist() == [*range(PER_DOMAIN)]
    assert len(predicted.labels) == 300
    assert predicted.unlabelled_confidences()[299] == pytest.approx(0.299)


def test_predictions_are_counted_by_class_without_corrections(monkeypatch):
    monkeypatch.setattr(
        batch_predictions, "_read", lambda rows, _: ((one, one["path"].encode()) for one in rows)
    )
    rows = [row(1, "cat"), row(2, "dog"), row(3, "dog"), row(4)]
    predicted = predict_rows(Classifier(), rows, Path())
    assert predicted.by_class(without={"3"}) == {
        "cat": ClassPredictions(1, ()),
        "dog": ClassPredictions(1, ("2.png",)),
    }
    assert predicted.unlabelled_confidences().tolist() == [pytest.approx(0.004)]


def test_without_a_readable_picture_there_is_nothing(monkeypatch):
    monkeypatch.setattr(batch_predictions, "_read", lambda *_: iter(()))
    predicted = predict_rows(Classifier(), [row(1)], Path())
    assert (predicted.rows, predicted.confidences.shape, predicted.embeddings.shape) == (
        [],
        (0,),
        (0, 0),
    )

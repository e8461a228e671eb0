"""Predictions of an exported model for the test split, or for a sample of it."""

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.predicting.saved_model_classifier import (
    BATCH_SIZE,
    SavedModelClassifier,
    decode_text,
)
from pipeline.report.test_picture_sample import sample_test_pictures
from trainer_module.contract import example_features

#: Mistakes per domain whose pictures are kept.
MAX_MISTAKES = 24

#: Domain, label, predicted class and confidence of one picture.
Row = tuple[str, str, str, float]


@dataclass(frozen=True)
class Mistake:
    """Test picture with a wrong prediction.

    Attributes:
        image_id: Path relative to the data folder.
        domain: Domain of the picture.
        label: True class.
        predicted: Predicted class.
        confidence: Probability of the predicted class.
        content: Encoded picture of the example.
    """

    image_id: str
    domain: str
    label: str
    predicted: str
    confidence: float
    content: bytes


@dataclass(frozen=True)
class SplitPredictions:
    """Predictions for pictures of the test split. All arrays have the shape [pictures].

    Attributes:
        domains: Domains, str.
        labels: True classes, str.
        predicted: Predicted classes, str.
        confidences: Probabilities of the predicted classes, float32.
        mistakes: Domain -> its most confident mistakes, the most confident first; at most
            `MAX_MISTAKES` per domain.
        num_test_pictures: Domain -> number of all its test pictures.
    """

    domains: npt.NDArray[np.object_]
    labels: npt.NDArray[np.object_]
    predicted: npt.NDArray[np.object_]
    confidences: npt.NDArray[np.float32]
    mistakes: dict[str, list[Mistake]]
    num_test_pictures: dict[str, int]

    @property
    def is_sample(self) -> bool:
        """Whether there are more test pictures than predictions."""
        return len(self.domains) < sum(self.num_test_pictures.values())


def predict_test_split(model: str, examples: str, catalog: str) -> SplitPredictions:
    """Classify the test split, or a sample of it, by a SavedModel.

    Args:
        model: Folder of the SavedModel.
        examples: URI of ImageExampleGen's examples.
        catalog: URI of ImageExampleGen's catalog.
    """
    sample, num_test_pictures = sample_test_pictures(catalog)
    classifier = SavedModelClassifier(Path(model))
    rows: list[Row] = []
    mistakes = _MostConfident(MAX_MISTAKES)
    for batch in _read_batches(examples, catalog, sample):
        predictions = classifier.predict_examples(batch)
        for record, predicted, confidence in zip(
            batch, predictions.labels, predictions.confidences, strict=True
        ):
            features = _read_features(record)
            domain = decode_text(features[example_features.DOMAIN])
            label = decode_text(features[example_features.LABEL])
            rows.append((domain, label, predicted, float(confidence)))
            if predicted != label:
                mistakes.add(
                    Mistake(
                        image_id=os.fsdecode(features[example_features.IMAGE_ID]),
                        domain=domain,
                        label=label,
                        predicted=predicted,
                        confidence=float(confidence),
                        content=features[example_features.IMAGE],
                    )
                )
    domains, labels, classes, confidences = _columns(rows)
    return SplitPredictions(
        domains=np.array(domains, object),
        labels=np.array(labels, object),
        predicted=np.array(classes, object),
        confidences=np.array(confidences, np.float32),
        mistakes=mistakes.by_domain(),
        num_test_pictures=num_test_pictures,
    )


class _MostConfident:
    """The most confident mistakes of every domain, in a heap per domain."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._added = 0
        self._heaps: dict[str, list[tuple[float, int, Mistake]]] = {}

    def add(self, mistake: Mistake) -> None:
        """Add a mistake, and drop the least confident one of its domain if there are too many."""
        self._added += 1
        heap = self._heaps.setdefault(mistake.domain, [])
        # The number keeps the heap from comparing mistakes of the same confidence.
        heapq.heappush(heap, (mistake.confidence, self._added, mistake))
        if len(heap) > self._limit:
            heapq.heappop(heap)

    def by_domain(self) -> dict[str, list[Mistake]]:
        """Return domain -> its mistakes, the most confident first."""
        return {
            domain: [mistake for _, _, mistake in sorted(heap, reverse=True)]
            for domain, heap in sorted(self._heaps.items())
        }


def _columns(rows: list[Row]) -> tuple[tuple[Any, ...], ...]:
    return tuple(zip(*rows, strict=True)) if rows else ((),) * 4


def _read_batches(examples: str, catalog: str, sample: set[bytes]) -> Iterator[list[bytes]]:
    """Yield the serialized examples of the sample, at most `BATCH_SIZE` at a time."""
    from components.image_example_gen.catalog import catalog_suffixes
    from components.image_example_gen.shards import read_shard

    batch: list[bytes] = []
    for suffix in catalog_suffixes(catalog):
        for record in read_shard(examples, "test", suffix):
            if _read_features(record)[example_features.IMAGE_ID] in sample:
                batch.append(record)
            if len(batch) == BATCH_SIZE:
                yield batch
                batch = []
    if batch:
        yield batch


def _read_features(record: bytes) -> dict[str, bytes]:
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    names = (example_features.IMAGE, *example_features.DESCRIPTORS)
    return {name: features[name].bytes_list.value[0] for name in names}

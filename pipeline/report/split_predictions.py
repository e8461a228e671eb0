"""Predictions for the test split, as the Evaluator kept them, and the pictures of its mistakes."""

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer_module.contract import example_features

#: Mistakes per domain whose pictures are kept.
MAX_MISTAKES = 24


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
    """Predictions for all pictures of the test split. All arrays have the shape [pictures].

    Attributes:
        domains: Domains, str.
        labels: True classes, str.
        predicted: Predicted classes, str.
        confidences: Probabilities of the predicted classes, float32.
        mistakes: Domain -> its most confident mistakes, the most confident first; at most
            `MAX_MISTAKES` per domain.
    """

    domains: npt.NDArray[np.object_]
    labels: npt.NDArray[np.object_]
    predicted: npt.NDArray[np.object_]
    confidences: npt.NDArray[np.float32]
    mistakes: dict[str, list[Mistake]]


def read_split_predictions(evaluation: str, examples: str) -> SplitPredictions:
    """Read the predictions of a run. No model is loaded.

    Args:
        evaluation: URI of the Evaluator's evaluation. Without predictions in it, as in a run before
            they were kept, the arrays are empty.
        examples: URI of ImageExampleGen's examples, which hold the pictures of the mistakes.
    """
    from components.evaluation.predictions.prediction_files import (
        CONFIDENCE,
        PREDICTED,
        read_parts,
    )

    names = (example_features.DOMAIN, example_features.LABEL, PREDICTED, CONFIDENCE)
    columns: dict[str, list[Any]] = {name: [] for name in names}
    ids: list[bytes] = []
    suffixes: list[str] = []
    for suffix, part in read_parts(evaluation, [example_features.IMAGE_ID, *names]):
        ids += part[example_features.IMAGE_ID].to_pylist()
        suffixes += [suffix] * len(part)
        for name in names:
            columns[name] += part[name].to_pylist()
    domains, labels, predicted = (np.array(columns[name], object) for name in names[:3])
    confidences = np.array(columns[CONFIDENCE], np.float32)
    chosen = _most_confident(domains, np.flatnonzero(labels != predicted), confidences)
    pictures = _read_pictures(examples, {ids[row]: suffixes[row] for row in chosen})
    mistakes: dict[str, list[Mistake]] = defaultdict(list)
    for row in chosen:
        mistakes[domains[row]].append(
            Mistake(
                image_id=os.fsdecode(ids[row]),
                domain=domains[row],
                label=labels[row],
                predicted=predicted[row],
                confidence=float(confidences[row]),
                content=pictures[ids[row]],
            )
        )
    return SplitPredictions(domains, labels, predicted, confidences, dict(sorted(mistakes.items())))


def _most_confident(
    domains: npt.NDArray[np.object_],
    mistakes: npt.NDArray[np.intp],
    confidences: npt.NDArray[np.float32],
) -> list[int]:
    """Return the rows of the most confident mistakes of every domain, the most confident first."""
    chosen: list[int] = []
    counts: dict[str, int] = defaultdict(int)
    for row in mistakes[np.argsort(-confidences[mistakes], kind="stable")]:
        counts[domains[row]] += 1
        if counts[domains[row]] <= MAX_MISTAKES:
            chosen.append(int(row))
    return chosen


def _read_pictures(examples: str, suffixes: dict[bytes, str]) -> dict[bytes, bytes]:
    """Return the encoded pictures of some examples, by image id.

    Args:
        examples: URI of ImageExampleGen's examples.
        suffixes: Image id -> suffix of the chunk with the picture.
    """
    from tensorflow.core.example.example_pb2 import Example

    from components.image_example_gen.shards import read_shard

    pictures: dict[bytes, bytes] = {}
    # Most are test pictures. Pictures that are cross-fitted are in the other splits.
    for split in reversed(example_features.SPLITS):
        missing = suffixes.keys() - pictures.keys()
        for suffix in sorted({suffixes[image_id] for image_id in missing}):
            for record in read_shard(examples, split, suffix):
                features = Example.FromString(record).features.feature
                image_id = features[example_features.IMAGE_ID].bytes_list.value[0]
                if image_id in suffixes:
                    pictures[image_id] = features[example_features.IMAGE].bytes_list.value[0]
    return pictures

"""Predictions of the serving model for rows of a batch, with one call of pictures in memory."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.retraining.deliveries.batch_store import BatchRow
from trainer_module.export.reference_embeddings import PER_DOMAIN
from trainer_module.export.saved_model_classifier import BATCH_SIZE, SavedModelClassifier


@dataclass(frozen=True)
class ClassPredictions:
    """Predictions for the classified pictures of one class whose label is not a correction.

    Attributes:
        pictures: Number of pictures.
        other: Names, in the delivery, of those that are predicted as another class.
    """

    pictures: int
    other: tuple[str, ...]


@dataclass(frozen=True)
class BatchPredictions:
    """Predictions for the rows whose pictures can be read.

    Attributes:
        rows: Rows of the batch.
        labels: Predicted classes, one per row.
        confidences: Confidences, float32 [rows].
        embeddings: Embeddings of the first `PER_DOMAIN` rows, float32 [first rows, dim].
    """

    rows: list[BatchRow]
    labels: list[str]
    confidences: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]

    def unlabelled_confidences(self) -> npt.NDArray[np.float32]:
        """Return the confidences of the unlabelled pictures, float32 [unlabelled rows]."""
        return self.confidences[[not row["label"] for row in self.rows]]

    def by_class(self, without: Container[str] = ()) -> dict[str, ClassPredictions]:
        """Return the predictions for the labelled pictures, by class.

        Args:
            without: Paths of pictures that do not count.
        """
        pictures: Counter[str] = Counter()
        other: dict[str, list[str]] = defaultdict(list)
        for row, label in zip(self.rows, self.labels, strict=True):
            if row["label"] and row["path"] not in without:
                pictures[row["label"]] += 1
                if row["label"] != label:
                    other[row["label"]].append(row["name"])
        return {name: ClassPredictions(pictures[name], tuple(other[name])) for name in pictures}


def predict_rows(
    classifier: SavedModelClassifier, rows: Iterable[BatchRow], root: Path
) -> BatchPredictions:
    """Predict classes and embeddings; pictures that cannot be read are left out.

    Args:
        classifier: Serving model.
        rows: Usable rows of a batch.
        root: Folder that their paths are relative to.
    """
    readable: list[BatchRow] = []
    labels: list[str] = []
    confidences: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)]
    embeddings: list[npt.NDArray[np.float32]] = []
    pictures = _read(rows, root)
    while part := list(islice(pictures, BATCH_SIZE)):
        images = [image for _, image in part]
        # Whole parts: the size of a call can change the last digits of its rows.
        if len(readable) < PER_DOMAIN:
            embeddings.append(classifier.embed(images))
        predictions = classifier.predict(images)
        readable += [row for row, _ in part]
        labels += predictions.labels
        confidences.append(predictions.confidences)
    return BatchPredictions(
        readable,
        labels,
        np.concatenate(confidences),
        np.concatenate(embeddings)[:PER_DOMAIN] if embeddings else np.empty((0, 0), np.float32),
    )


def _read(rows: Iterable[BatchRow], root: Path) -> Iterator[tuple[BatchRow, bytes]]:
    """Yield every row whose picture can be read, with what the model gets."""
    from components.image_example_gen.ingestion import read_file
    from components.image_example_gen.picture_reader import UnusablePictureError, read_picture

    for row in rows:
        try:
            content = read_file(str(root / row["path"])).content
            yield row, read_picture(content).encoded
        except UnusablePictureError:
            continue  # ingestion rejects it, with the reason

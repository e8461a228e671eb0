"""Predicts the pictures that are tested with the candidate, and, where needed, the baseline."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from apache_beam.utils.shared import Shared

from components.evaluation.predictions.prediction_files import (
    CONFIDENCE,
    CROSS_FITTED,
    OF_BASELINE,
    PREDICTED,
    SLICES,
    TRUE_PROBABILITY,
    write_part,
)
from components.evaluation.predictions.slice_values import encode_values, read_slice_values
from components.evaluation.predictions.stored_predictions import Prediction, predictions_by_picture
from components.image_example_gen import catalog
from components.image_example_gen.shards import read_shard
from trainer_module.contract import example_features
from trainer_module.cross_fitting.out_of_fold import read_out_of_fold
from trainer_module.export.saved_model_classifier import (
    BATCH_SIZE,
    Predictions,
    SavedModelClassifier,
    decode_text,
)

SPLIT = "test"


class CatalogEntry(NamedTuple):
    """What the catalog says of a picture.

    Attributes:
        content: Digest of the file.
        known: Whether the serving version knows the picture.
        split: Split of the picture.
    """

    content: bytes
    known: bool
    split: str


Entries: TypeAlias = dict[bytes, CatalogEntry]


class PredictChunk(beam.DoFn):
    """Writes the predictions for one chunk of the examples, given its suffix.

    The candidate is called for the test split. For pictures that are cross-fitted, the predictions
    of the fold models are kept with it.

    The baseline is called for pictures whose predictions are not kept with it: those of a new
    domain, those whose label was corrected, and all if it was pushed before predictions were kept.
    It is never called for a picture that it was trained on: if the label of such a picture was
    corrected, the class that its fold model predicted is compared with the new label.
    """

    def __init__(
        self,
        model: str,
        baseline: str | None,
        examples_uri: str,
        catalog_uri: str,
        output_uri: str,
        slice_values: str = "",
    ) -> None:
        """Name what is read and written.

        Args:
            model: Folder of the candidate.
            baseline: Folder of the baseline; None without one.
            examples_uri: URI of ImageExampleGen's examples.
            catalog_uri: URI of ImageExampleGen's catalog.
            output_uri: URI of the `evaluation` artifact.
            slice_values: Path of the values of slices, see `slice_values`; "" without slices.
        """
        self._model, self._baseline = model, baseline
        self._uris = (examples_uri, catalog_uri, output_uri)
        self._slice_values = slice_values
        # Workers that are threads of one process share the models. Beam keeps one object alive, the
        # last that was acquired: with several, the models would be loaded for every batch.
        self._shared = Shared()

    def process(self, suffix: str) -> Iterator[int]:
        """Write the file of a chunk, and yield the number of its pictures."""
        examples_uri, catalog_uri, output_uri = self._uris
        entries = _read_entries(catalog_uri, suffix)
        models = self._shared.acquire(lambda: _Models(self._model, self._baseline))
        rows: list[dict[str, Any]] = []
        for batch in _batches(read_shard(examples_uri, SPLIT, suffix)):
            rows += _predict(models, batch, entries)
        for batch in _batches(_cross_fitted_records(examples_uri, suffix, models, entries)):
            rows += _predict(models, batch, entries, is_cross_fitted=True)
        if self._slice_values:
            ids = [row[example_features.IMAGE_ID] for row in rows]
            values = read_slice_values(self._slice_values, ids)
            for row in rows:
                row[SLICES] = encode_values(values.get(row[example_features.IMAGE_ID], {}))
        write_part(output_uri, suffix, rows)
        yield len(rows)


class _Models:
    """The candidate, the baseline, and the predictions that are kept with the baseline."""

    def __init__(self, model: str, baseline: str | None) -> None:
        """Load the candidate and the predictions; the baseline is loaded when it is called."""
        self.candidate = _Classifier(model)
        self.baseline_folder = baseline
        self.stored = predictions_by_picture(Path(baseline)) if baseline else {}
        self.out_of_date = {
            content: replace(prediction, true_probability=None)
            for (content, _), prediction in self.stored.items()
        }
        self.out_of_fold = _read_out_of_fold(model)

    @cached_property
    def baseline(self) -> "_Classifier":
        return _Classifier(str(self.baseline_folder))


def _predict(
    models: _Models, records: list[bytes], entries: Entries, is_cross_fitted: bool = False
) -> list[dict[str, Any]]:
    """Return a row per example, see `prediction_files.SCHEMA`."""
    classifier = models.candidate
    rows = [_describe(record, entries, classifier.label_ids) for record in records]
    labels = [row[example_features.LABEL] for row in rows]
    names = [row[example_features.IMAGE_ID] for row in rows]
    if is_cross_fitted:
        predictions = classifier.decode(np.stack([models.out_of_fold[name] for name in names]))
    else:
        predictions = classifier.predict(records)
    for row, prediction, probabilities in zip(
        rows, classifier.details(predictions, labels), predictions.probabilities, strict=True
    ):
        row |= _columns("", prediction)
        row[CROSS_FITTED] = is_cross_fitted
        row[example_features.PROBABILITIES] = probabilities
    if models.baseline_folder:
        trained = [is_cross_fitted and entries[name].known for name in names]
        for row, found in zip(rows, _of_baseline(models, rows, records, trained), strict=True):
            row |= _columns(OF_BASELINE, found) if found else {}
    return rows


def _of_baseline(
    models: _Models, rows: list[dict[str, Any]], records: list[bytes], trained: list[bool]
) -> list[Prediction | None]:
    """Return the kept predictions of the baseline, and new ones where there are none.

    Args:
        models: The models, and the predictions that are kept with the baseline.
        rows: Rows of the pictures.
        records: Serialized examples of the pictures.
        trained: Whether the baseline was trained on each picture. Without a kept prediction, such a
            picture has none.
    """
    keys = [(row["content"], row[example_features.LABEL]) for row in rows]
    found: dict[tuple[bytes, str], Prediction] = {
        key: models.stored[key] for key in keys if key in models.stored
    }
    for key, is_trained in zip(keys, trained, strict=True):
        if is_trained and key not in found and key[0] in models.out_of_date:
            found[key] = models.out_of_date[key[0]]
    unknown = [
        number
        for number, (key, is_trained) in enumerate(zip(keys, trained, strict=True))
        if key not in models.stored and not is_trained
    ]
    if unknown:
        predictions = models.baseline.predict([records[number] for number in unknown])
        labels = [keys[number][1] for number in unknown]
        for number, one in zip(unknown, models.baseline.details(predictions, labels), strict=True):
            found[keys[number]] = one
    return [found.get(key) for key in keys]


class _Classifier:
    """A SavedModel and the ids of its classes."""

    def __init__(self, folder: str) -> None:
        self._model = SavedModelClassifier(Path(folder))
        self.label_ids = {label: number for number, label in enumerate(self._model.labels)}

    def predict(self, records: list[bytes]) -> Predictions:
        return self._model.predict_examples(records)

    def decode(self, probabilities: npt.NDArray[np.float32]) -> Predictions:
        """Return the predictions that probabilities, [pictures, classes], stand for."""
        labels = [self._model.labels[number] for number in probabilities.argmax(axis=1)]
        return Predictions(labels, probabilities.max(axis=1), probabilities)

    def details(self, predictions: Predictions, labels: list[str]) -> Iterator[Prediction]:
        """Yield the predictions of pictures with their true classes."""
        for label, predicted, confidence, probabilities in zip(
            labels,
            predictions.labels,
            predictions.confidences,
            predictions.probabilities,
            strict=True,
        ):
            known = self.label_ids.get(label)
            true = 0.0 if known is None else float(probabilities[known])
            yield Prediction(predicted, float(confidence), true)


def _read_entries(catalog_uri: str, suffix: str) -> Entries:
    columns = [example_features.IMAGE_ID, "content", "known", "split"]
    part = catalog.read_part(catalog_uri, suffix, columns)
    return {
        image_id: CatalogEntry(content, bool(known), split)
        for image_id, content, known, split in zip(
            *(part[name].to_pylist() for name in columns), strict=True
        )
    }


def _read_out_of_fold(model: str) -> dict[bytes, npt.NDArray[np.float32]]:
    """Return the probabilities of the cross-fitted pictures by image ID."""
    predictions = read_out_of_fold(model)
    if predictions is None:
        return {}
    return dict(zip(predictions.image_ids.tolist(), predictions.probabilities, strict=True))


def _cross_fitted_records(
    examples_uri: str, suffix: str, models: _Models, entries: Entries
) -> Iterator[bytes]:
    """Yield the serialized examples of the cross-fitted pictures of a chunk."""
    splits = {entries[name].split for name in models.out_of_fold.keys() & entries.keys()}
    for split in sorted(splits - {SPLIT}):
        for record in read_shard(examples_uri, split, suffix):
            if _features(record)[example_features.IMAGE_ID].bytes_list.value[0] in (
                models.out_of_fold
            ):
                yield record


def _features(record: bytes) -> Any:
    from tensorflow.core.example.example_pb2 import Example

    return Example.FromString(record).features.feature


def _describe(record: bytes, entries: Entries, label_ids: dict[str, int]) -> dict[str, Any]:
    features = _features(record)
    image_id, domain, label = (
        features[name].bytes_list.value[0] for name in example_features.DESCRIPTORS
    )
    return {
        example_features.IMAGE_ID: image_id,
        "content": entries[image_id].content,
        example_features.DOMAIN: decode_text(domain),
        example_features.LABEL: decode_text(label),
        example_features.LABEL_ID: label_ids.get(decode_text(label), -1),
    }


def _columns(prefix: str, prediction: Prediction) -> dict[str, Any]:
    return {
        f"{prefix}{PREDICTED}": prediction.predicted,
        f"{prefix}{CONFIDENCE}": prediction.confidence,
        f"{prefix}{TRUE_PROBABILITY}": prediction.true_probability,
    }


def _batches(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch

"""Predicts the test split with the candidate, and with the baseline where it has not yet."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.utils.shared import Shared

from components.evaluation.predictions.prediction_files import (
    CONFIDENCE,
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
from trainer_module.export.saved_model_classifier import (
    BATCH_SIZE,
    Predictions,
    SavedModelClassifier,
    decode_text,
)

SPLIT = "test"


class PredictChunk(beam.DoFn):
    """Writes the predictions for one chunk of the examples, given its suffix.

    The baseline is called for pictures whose predictions are not kept with it: those of a new
    domain, those whose label was corrected, and all if it was pushed before predictions were kept.
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
        part = catalog.read_part(catalog_uri, suffix, [example_features.IMAGE_ID, "content"])
        contents = dict(zip(*(column.to_pylist() for column in part.columns), strict=True))
        models = self._shared.acquire(lambda: _Models(self._model, self._baseline))
        rows: list[dict[str, Any]] = []
        for batch in _batches(read_shard(examples_uri, SPLIT, suffix)):
            rows += _predict(models, batch, contents)
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

    @cached_property
    def baseline(self) -> "_Classifier":
        return _Classifier(str(self.baseline_folder))


def _predict(
    models: _Models, records: list[bytes], contents: dict[bytes, bytes]
) -> list[dict[str, Any]]:
    """Return a row per example, see `prediction_files.SCHEMA`."""
    classifier = models.candidate
    rows = [_describe(record, contents, classifier.label_ids) for record in records]
    labels = [row[example_features.LABEL] for row in rows]
    predictions = classifier.predict(records)
    for row, prediction, probabilities in zip(
        rows, classifier.details(predictions, labels), predictions.probabilities, strict=True
    ):
        row |= _columns("", prediction)
        row[example_features.PROBABILITIES] = probabilities
    if models.baseline_folder:
        for row, prediction in zip(rows, _of_baseline(models, rows, records), strict=True):
            row |= _columns(OF_BASELINE, prediction)
    return rows


def _of_baseline(
    models: _Models, rows: list[dict[str, Any]], records: list[bytes]
) -> list[Prediction]:
    """Return the kept predictions of the baseline, and new ones where there are none."""
    keys = [(row["content"], row[example_features.LABEL]) for row in rows]
    unknown = [number for number, key in enumerate(keys) if key not in models.stored]
    found = {key: models.stored[key] for key in keys if key in models.stored}
    if unknown:
        predictions = models.baseline.predict([records[number] for number in unknown])
        labels = [keys[number][1] for number in unknown]
        for number, one in zip(unknown, models.baseline.details(predictions, labels), strict=True):
            found[keys[number]] = one
    return [found[key] for key in keys]


class _Classifier:
    """A SavedModel and the ids of its classes."""

    def __init__(self, folder: str) -> None:
        self._model = SavedModelClassifier(Path(folder))
        self.label_ids = {label: number for number, label in enumerate(self._model.labels)}

    def predict(self, records: list[bytes]) -> Predictions:
        return self._model.predict_examples(records)

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


def _describe(
    record: bytes, contents: dict[bytes, bytes], label_ids: dict[str, int]
) -> dict[str, Any]:
    from tensorflow.core.example.example_pb2 import Example

    features = Example.FromString(record).features.feature
    image_id, domain, label = (
        features[name].bytes_list.value[0] for name in example_features.DESCRIPTORS
    )
    return {
        example_features.IMAGE_ID: image_id,
        "content": contents[image_id],
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

"""Reads the predictions as TFMA takes them, chunk by chunk."""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.utils.shared import Shared

from components.evaluation.gate.tested_pictures import (
    UNKNOWN,
    correctness,
    with_new_classes,
)
from components.evaluation.predictions.prediction_files import (
    OF_BASELINE,
    PREDICTED,
    SLICES,
    read_part,
    text_array,
)
from components.evaluation.predictions.slice_values import slice_value_arrays
from components.evaluation.predictions.stored_predictions import (
    find_predicted,
    read_known_labels,
    read_stored,
)
from components.evaluation.tfma.eval_config import (
    BASELINE,
    BASELINE_OF_KNOWN,
    BASELINE_OF_NEW,
    BEST,
    correct_column,
)
from components.evaluation.tfma.gated_metric import GATE_COLUMN
from trainer_module.contract import example_features


class ReadBatch(beam.DoFn):
    """Yields the predictions of one chunk, given its suffix: lists of one value each."""

    def __init__(
        self,
        evaluation_uri: str,
        best: Mapping[str, Path],
        known: Collection[str],
        slice_columns: Collection[str],
        gate_values: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
        baseline_labels: Collection[str] | None = None,
    ) -> None:
        """Name what is read.

        Args:
            evaluation_uri: URI of the `evaluation` artifact.
            best: Domain -> folder of the version that was best in it.
            known: Domains that the baseline was trained on.
            slice_columns: Columns of the slices.
            gate_values: Values of every domain, see `gated_metric.gate_values`; empty without a
                gate of further metrics.
            baseline_labels: Classes that the baseline knows; None if that is not known.
        """
        self._evaluation_uri = evaluation_uri
        self._best = dict(best)
        self._known = frozenset(known)
        self._slice_columns = tuple(slice_columns)
        self._gate_values = {domain: [*values.values()] for domain, values in gate_values.items()}
        self._baseline_labels = baseline_labels
        self._shared = Shared()

    def process(self, suffix: str) -> Iterator[pa.RecordBatch]:
        """Read one chunk."""
        stored = self._shared.acquire(lambda: _StoredPredictions(self._best))
        table = read_part(self._evaluation_uri, suffix)
        labels, domains = (
            text_array(table[name]) for name in (example_features.LABEL, example_features.DOMAIN)
        )
        columns = {
            example_features.LABEL: _text_lists(labels),
            example_features.DOMAIN: _text_lists(domains),
            example_features.LABEL_ID: _lists(table[example_features.LABEL_ID].to_numpy()),
            example_features.PROBABILITIES: table[example_features.PROBABILITIES].combine_chunks(),
        }
        predicted = text_array(table[f"{OF_BASELINE}{PREDICTED}"])
        of_baseline = correctness(predicted, labels, self._baseline_labels)
        is_known = np.array([domain in self._known for domain in domains], bool)
        of_best: npt.NDArray[np.int8] = np.full(len(labels), UNKNOWN, np.int8)
        contents = table["content"].combine_chunks()
        for folder in set(self._best.values()):
            own = np.array([self._best.get(domain) == folder for domain in domains], bool)
            found = find_predicted(stored.tables[folder], contents)
            of_best[own] = correctness(found, labels, stored.known_labels[folder])[own]
        for model, correct in (
            (BASELINE, np.where(is_known, of_baseline, with_new_classes(of_baseline))),
            (BASELINE_OF_KNOWN, np.where(is_known, of_baseline, UNKNOWN)),
            (BASELINE_OF_NEW, np.where(is_known, UNKNOWN, of_baseline)),
            (BEST, of_best),
        ):
            columns[correct_column(model)] = _lists(correct.astype(np.float32))
        values = slice_value_arrays(table[SLICES].to_pylist(), self._slice_columns)
        columns |= {name: _text_lists(texts) for name, texts in values.items()}
        if self._gate_values:
            no_gate = [np.nan] * len(next(iter(self._gate_values.values())))
            values_of = [self._gate_values.get(domain, no_gate) for domain in domains]
            columns[GATE_COLUMN] = pa.array(values_of, pa.list_(pa.float64()))
        yield pa.RecordBatch.from_pydict(columns)


class _StoredPredictions:
    """The predictions of the best versions: read once per process, and not once per chunk."""

    def __init__(self, best: Mapping[str, Path]) -> None:
        self._folders = set(best.values())

    @cached_property
    def tables(self) -> dict[Path, pa.Table]:
        """Predictions by folder of the version."""
        return {folder: read_stored(folder) for folder in self._folders}

    @cached_property
    def known_labels(self) -> dict[Path, frozenset[str] | None]:
        """Classes that the version knows, by its folder."""
        return {folder: read_known_labels(folder) for folder in self._folders}


def _text_lists(texts: npt.NDArray[np.object_]) -> pa.Array:
    """Return a list of one text per picture; of none for an empty text."""
    return pa.array([[text.encode()] if text else [] for text in texts], pa.list_(pa.binary()))


def _lists(values: npt.NDArray[Any]) -> pa.Array:
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32), pa.array(values))

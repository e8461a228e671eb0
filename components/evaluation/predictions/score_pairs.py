"""Predictions of the serving version and of the candidate with numbers for the classes."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.evaluation.gate.metric_comparison import ScorePairs
from components.evaluation.predictions.prediction_files import (
    CONFIDENCE,
    OF_BASELINE,
    PREDICTED,
    TRUE_PROBABILITY,
    text_array,
)
from components.evaluation.statistics.weighted_metric import Scores
from trainer_module.contract import example_features


def read_score_pairs(
    predictions: pa.Table, known_labels: Collection[str] | None = None
) -> ScorePairs:
    """Return the predictions for the pictures that both versions have predicted.

    Those whose probability of the true class is unknown are left out, and so are those of classes
    that the serving version does not know: see `tested_pictures.correctness`.

    Args:
        predictions: Table of `prediction_files.read_predictions`.
        known_labels: Classes that the serving version knows; None if that is not known.
    """
    both = predictions.filter(pc.is_valid(predictions[f"{OF_BASELINE}{TRUE_PROBABILITY}"]))
    if known_labels is not None:
        known = pa.array(sorted(known_labels), pa.string())
        both = both.filter(pc.is_in(both[example_features.LABEL], value_set=known))
    labels = both[example_features.LABEL].combine_chunks()
    names = pa.array(sorted(pc.unique(labels).to_pylist()), pa.string())
    before, after = (
        Scores(
            labels=_positions(labels, names),
            predicted=_positions(both[f"{prefix}{PREDICTED}"].combine_chunks(), names),
            confidence=_floats(both[f"{prefix}{CONFIDENCE}"]),
            true_probability=_floats(both[f"{prefix}{TRUE_PROBABILITY}"]),
        )
        for prefix in (OF_BASELINE, "")
    )
    return ScorePairs(text_array(both[example_features.DOMAIN]), before, after)


def _positions(texts: pa.Array, names: pa.Array) -> npt.NDArray[np.int64]:
    """Return the positions of texts among the names; -1 for other texts."""
    return pc.index_in(texts, value_set=names).fill_null(-1).to_numpy().astype(np.int64)


def _floats(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return column.to_numpy().astype(np.float64)

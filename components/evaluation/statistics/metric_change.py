"""Change of a metric from one model to another on the same pictures: its error, and a test."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from components.evaluation.statistics.paired_bootstrap import bootstrap_errors
from components.evaluation.statistics.paired_permutation import (
    permutation_p_value,
    smallest_permutation_p_value,
)
from components.evaluation.statistics.recall_at_precision import RecallAtPrecision
from components.evaluation.statistics.weighted_metric import (
    LOWER_IS_BETTER,
    CalibrationError,
    LogLoss,
    MacroF1,
    Scores,
    WeightedMetric,
)

_KINDS: dict[str, Callable[[Scores], WeightedMetric]] = {
    "macro_f1": MacroF1,
    "log_loss": LogLoss,
    "calibration_error": CalibrationError,
}
_WITH_PRECISION = "recall_at_precision"

#: Names of the metrics.
NAMES = (*_KINDS, _WITH_PRECISION)


@dataclass(frozen=True)
class MetricChange:
    """Change of one metric.

    Attributes:
        metric: Name of the metric.
        before: Metric of the earlier model.
        after: Metric of the candidate.
        error: Standard error of the change.
        p_value: P-value of a loss.
        smallest_p_value: Bound that no p-value of this test is below.
    """

    metric: str
    before: float
    after: float
    error: float
    p_value: float
    smallest_p_value: float


def measure_changes(
    names: Sequence[str],
    before: Scores,
    after: Scores,
    precision: float,
    draws: int,
    largest: float,
) -> Iterator[MetricChange]:
    """Yield the changes of some metrics on the same pictures.

    The p-value is the larger one of two. The permutation test is exact, but it asks whether the
    models differ at all. They may, and still be equally good: one is too confident, and the other
    too cautious by as much. The second p-value, from the standard error, asks for the loss alone,
    but it is right only for many pictures.

    The order of the pictures does not matter, and the same predictions give the same numbers.

    Args:
        names: Names of the metrics, of `NAMES`.
        before: Predictions of the earlier model.
        after: Predictions of the candidate for the same pictures.
        precision: See `RecallAtPrecision`.
        draws: Largest number of draws of the permutation test.
        largest: Largest p-value that a loss can be proven with. Above it, the permutation test is
            left out.
    """
    before, after = _sort_by_content(before, after)
    rng = np.random.default_rng(_digest(before, after))
    metrics = [
        (make_metric(name, before, precision), make_metric(name, after, precision))
        for name in names
    ]
    errors = bootstrap_errors(metrics, before.labels, rng)
    smallest = smallest_permutation_p_value(before, after, draws)
    pictures = len(before.labels)
    for name, (of_before, of_after), error in zip(names, metrics, errors, strict=True):
        old, new = (
            metric.values(np.ones((pictures, 1))).item() for metric in (of_before, of_after)
        )
        sign = -1.0 if name in LOWER_IS_BETTER else 1.0
        p_value = NormalDist().cdf(sign * (new - old) / error) if error > 0 else 0.0
        if p_value <= largest:
            exchange = of_before.exchange(of_after)
            exact = permutation_p_value(exchange, pictures, sign, draws, rng)
            p_value = max(p_value, exact)
        yield MetricChange(name, old, new, error, p_value, smallest)


def make_metric(name: str, scores: Scores, precision: float) -> WeightedMetric:
    """Return a metric by its name.

    Args:
        name: One of `NAMES`.
        scores: Predictions of the model.
        precision: See `RecallAtPrecision`.
    """
    if name == _WITH_PRECISION:
        return RecallAtPrecision(scores, precision)
    return _KINDS[name](scores)


def _sort_by_content(before: Scores, after: Scores) -> tuple[Scores, Scores]:
    """Return the same pictures in an order that depends only on what both models predict."""
    order = np.lexsort([*_columns(before), *_columns(after)])
    return before.take(order), after.take(order)


def _digest(before: Scores, after: Scores) -> int:
    digest = hashlib.sha256()
    for column in [*_columns(before), *_columns(after)]:
        digest.update(np.ascontiguousarray(column).tobytes())
    return int.from_bytes(digest.digest()[:16], "big")


def _columns(scores: Scores) -> list[npt.NDArray[Any]]:
    return [scores.labels, scores.predicted, scores.confidence, scores.true_probability]

"""TFMA metric: by how much the accuracy changed against the model that serves, with its interval.

Both models see the same test pictures, so only those count that one of them gets right and the
other wrong. The interval is that of "Simple improved confidence intervals for comparing matched
proportions" (Agresti and Min, Statistics in Medicine 24, 2005): Wald's, after half a picture is
added to each of the four cells. It holds for small test sets too, and never has no width.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

#: Ends of the interval, by the name of the metric.
LOW, HIGH = "change_low", "change_high"

#: Metric of a domain that is new to the model that serves, see `gain`.
GAIN = "gain"

#: What stands for a gain where there is nothing left to gain; one picture is far more.
LEAST_GAIN = 1e-6

#: What is added to each of the four cells: both right, both wrong, gained, lost.
ADDED = 0.5


@dataclass
class Pairs:
    """What became of the pictures of a slice.

    Attributes:
        pictures: number of them.
        gained: right now, wrong before.
        lost: wrong now, right before.
        wrong: now.
    """

    pictures: int = 0
    gained: int = 0
    lost: int = 0
    wrong: int = 0

    def merge(self, other: "Pairs") -> "Pairs":
        """Counts of both."""
        return Pairs(
            self.pictures + other.pictures,
            self.gained + other.gained,
            self.lost + other.lost,
            self.wrong + other.wrong,
        )


def interval(pairs: Pairs, confidence: float) -> tuple[float, float]:
    """Two-sided confidence interval of the change in accuracy.

    Args:
        pairs: of a slice.
        confidence: share of such intervals that hold the truth, below 1.

    Returns:
        Its ends, between -1 and 1.
    """
    total = pairs.pictures + 4 * ADDED
    gained, lost = pairs.gained + ADDED, pairs.lost + ADDED
    change = (gained - lost) / total
    error = math.sqrt(gained + lost - (gained - lost) ** 2 / total) / total
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return max(-1.0, change - reach), min(1.0, change + reach)


def gain(pairs: Pairs) -> float:
    """Change in accuracy of a domain; `LEAST_GAIN` where both models are right on every picture.

    A new domain must gain, and there such a one has all that it could. Without this a domain of a
    few pictures, all of which the model that serves happens to know, would keep every candidate
    from being pushed for ever.
    """
    if not pairs.wrong and not pairs.gained:
        return LEAST_GAIN
    return (pairs.gained - pairs.lost) / max(pairs.pictures, 1)


class PairsFn(beam.CombineFn):
    """Counts the pictures of a slice by what became of them."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        baseline: str,
        eval_config: config_pb2.EvalConfig | None,
    ) -> None:
        """Name the models.

        Args:
            key: of the candidate.
            baseline: name of the other model.
            eval_config: that both are in.
        """
        self._key = key
        self._names = (key.model_name, baseline)
        self._eval_config = eval_config

    def create_accumulator(self) -> Pairs:
        """Nothing counted yet."""
        return Pairs()

    def add_input(self, accumulator: Pairs, element: metric_types.StandardMetricInputs) -> Pairs:
        """Count one example."""
        now, before = (self._is_right(element, name) for name in self._names)
        changes = int(now and not before), int(before and not now)
        return accumulator.merge(Pairs(1, *changes, wrong=int(not now)))

    def merge_accumulators(self, accumulators: Iterable[Pairs]) -> Pairs:
        """Counts of several workers."""
        merged = Pairs()
        for accumulator in accumulators:
            merged = merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Pairs) -> dict[metric_types.MetricKey, Pairs]:
        """Hand the counts on to the metrics that follow from them."""
        return {self._key: accumulator}

    def _is_right(self, element: metric_types.StandardMetricInputs, model: str) -> bool:
        [(label, probabilities, _)] = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=model,
            output_name=self._key.output_name,
            flatten=False,
        )
        return bool(np.asarray(probabilities).reshape(-1).argmax() == label.item())


class PairedChange(metric_types.Metric):
    """The candidate against the baseline: an end of the interval, `LOW` or `HIGH`, or the `GAIN`.

    Without a baseline there is no such metric.
    """

    def __init__(self, name: str, confidence: float, code: str = "") -> None:
        """Configure the metric.

        Args:
            name: which of them.
            confidence: of the interval.
            code: fingerprint of this module, see `metrics.ClassifierMetric`.
        """
        super().__init__(_computations, name=name, confidence=confidence, code=code)


def _computations(
    name: str,
    confidence: float,
    code: str = "",
    eval_config: config_pb2.EvalConfig | None = None,
    model_names: Iterable[str] = ("",),
    output_names: Iterable[str] = ("",),
    **_: Any,
) -> metric_types.MetricComputations:
    """One count per slice, shared by all three, and what follows from it."""
    specs = eval_config.model_specs if eval_config else []
    baseline = next((spec.name for spec in specs if spec.is_baseline), None)
    [output] = output_names
    candidate = next((model for model in model_names if model != baseline), None)
    if baseline is None or candidate is None:
        return []
    pairs_key = metric_types.MetricKey(name="_pairs", model_name=candidate, output_name=output)
    key = metric_types.MetricKey(name=name, model_name=candidate, output_name=output)
    counts = PairsFn(pairs_key, baseline, eval_config)

    def result(metrics: dict[metric_types.MetricKey, Pairs]) -> dict[Any, float]:
        pairs = metrics[pairs_key]
        low, high = interval(pairs, confidence)
        return {key: {LOW: low, HIGH: high, GAIN: gain(pairs)}[name]}

    return [
        metric_types.MetricComputation(keys=[pairs_key], preprocessors=None, combiner=counts),
        metric_types.DerivedMetricComputation(keys=[key], result=result),
    ]


metric_types.register_metric(PairedChange)

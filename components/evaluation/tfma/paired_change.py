"""TFMA metric: change in accuracy against the baseline, with a confidence interval.

Both models see the same test pictures, so only those count that one of them classifies correctly
and the other does not. The interval is that of "Simple improved confidence intervals for comparing
matched proportions" (Agresti and Min, Statistics in Medicine 24, 2005): Wald's, after half a
picture is added to each of the four cells. It holds for small test sets too, and its width is never
zero.
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

#: Metric of a domain that the baseline was not trained on, see `gain`.
GAIN = "gain"

#: Gain where both models classify every picture correctly. It is far less than that of one picture.
LEAST_GAIN = 1e-6

#: Pictures added to each of the four cells: both correct, both wrong, gained, lost.
ADDED = 0.5


@dataclass
class PairCounts:
    """Pictures of a slice, by which of the two models classifies them correctly.

    Attributes:
        pictures: Number of pictures.
        gained: Pictures that only the candidate classifies correctly.
        lost: Pictures that only the baseline classifies correctly.
        wrong: Pictures that the candidate classifies wrongly.
    """

    pictures: int = 0
    gained: int = 0
    lost: int = 0
    wrong: int = 0

    def merge(self, other: "PairCounts") -> "PairCounts":
        """Return the sums of two counts."""
        return PairCounts(
            self.pictures + other.pictures,
            self.gained + other.gained,
            self.lost + other.lost,
            self.wrong + other.wrong,
        )


def interval(counts: PairCounts, confidence: float) -> tuple[float, float]:
    """Return a two-sided confidence interval of the change in accuracy.

    Args:
        counts: Counts of a slice.
        confidence: Share of such intervals that contain the true change, between 0 and 1.

    Returns:
        Lower and upper end, between -1 and 1.

    Example:
        >>> from components.evaluation.paired_change import PairCounts, interval
        >>> low, high = interval(PairCounts(pictures=100, gained=10, lost=2), confidence=0.9)
        >>> f"{low:+.3f} to {high:+.3f}"
        '+0.022 to +0.135'
    """
    total = counts.pictures + 4 * ADDED
    gained, lost = counts.gained + ADDED, counts.lost + ADDED
    change = (gained - lost) / total
    error = math.sqrt(gained + lost - (gained - lost) ** 2 / total) / total
    margin = NormalDist().inv_cdf((1 + confidence) / 2) * error
    return max(-1.0, change - margin), min(1.0, change + margin)


def gain(counts: PairCounts) -> float:
    """Return the change in accuracy of a domain that the baseline was not trained on.

    A candidate must gain in a new domain. Where both models classify every picture correctly there
    is nothing to gain, and the result is `LEAST_GAIN`. Otherwise a new domain of a few pictures
    that the serving model happens to classify correctly would keep every candidate from being
    blessed.

    Args:
        counts: Counts of the domain.
    """
    if not counts.wrong and not counts.gained:
        return LEAST_GAIN
    return (counts.gained - counts.lost) / max(counts.pictures, 1)


class PairCountsFn(beam.CombineFn):
    """Counts the pictures of a slice by which of two models classifies them correctly."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        baseline: str,
        eval_config: config_pb2.EvalConfig | None,
    ) -> None:
        """Name the models.

        Args:
            key: Key of the counts; its model is the candidate.
            baseline: Name of the baseline.
            eval_config: Config with both models.
        """
        self._key = key
        self._names = (key.model_name, baseline)
        self._eval_config = eval_config

    def create_accumulator(self) -> PairCounts:
        """Return empty counts."""
        return PairCounts()

    def add_input(
        self, accumulator: PairCounts, element: metric_types.StandardMetricInputs
    ) -> PairCounts:
        """Count one example."""
        candidate, baseline = (self._is_correct(element, name) for name in self._names)
        return accumulator.merge(
            PairCounts(
                pictures=1,
                gained=int(candidate and not baseline),
                lost=int(baseline and not candidate),
                wrong=int(not candidate),
            )
        )

    def merge_accumulators(self, accumulators: Iterable[PairCounts]) -> PairCounts:
        """Return the sums of the counts of several Beam workers."""
        merged = PairCounts()
        for accumulator in accumulators:
            merged = merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: PairCounts) -> dict[metric_types.MetricKey, PairCounts]:
        """Return the counts for the metrics that are derived from them."""
        return {self._key: accumulator}

    def _is_correct(self, element: metric_types.StandardMetricInputs, model: str) -> bool:
        [(label, probabilities, _)] = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=model,
            output_name=self._key.output_name,
            flatten=False,
        )
        return bool(np.asarray(probabilities).reshape(-1).argmax() == label.item())


class PairedChange(metric_types.Metric):
    """Change of the candidate against the baseline: `LOW` or `HIGH` of the interval, or `GAIN`.

    Without a baseline there is no such metric.
    """

    def __init__(self, name: str, confidence: float, code: str = "") -> None:
        """Configure the metric.

        Args:
            name: `LOW`, `HIGH` or `GAIN`.
            confidence: Confidence of the interval, between 0 and 1.
            code: Fingerprint of this module, see `classifier_metrics.ClassifierMetric`.
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
    """One count per slice, shared by all three metrics, and the metric derived from it."""
    specs = eval_config.model_specs if eval_config else []
    baseline = next((spec.name for spec in specs if spec.is_baseline), None)
    [output] = output_names
    candidate = next((model for model in model_names if model != baseline), None)
    if baseline is None or candidate is None:
        return []
    counts_key = metric_types.MetricKey(name="_pairs", model_name=candidate, output_name=output)
    key = metric_types.MetricKey(name=name, model_name=candidate, output_name=output)
    count = PairCountsFn(counts_key, baseline, eval_config)

    def result(metrics: dict[metric_types.MetricKey, PairCounts]) -> dict[Any, float]:
        counts = metrics[counts_key]
        low, high = interval(counts, confidence)
        return {key: {LOW: low, HIGH: high, GAIN: gain(counts)}[name]}

    return [
        metric_types.MetricComputation(keys=[counts_key], preprocessors=None, combiner=count),
        metric_types.DerivedMetricComputation(keys=[key], result=result),
    ]


metric_types.register_metric(PairedChange)

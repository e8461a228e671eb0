"""TFMA metrics of the change in accuracy against an earlier version, see `paired_counts`."""

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate.comparison import is_gain, is_worse
from components.evaluation.statistics.paired_counts import (
    PairCounts,
    accuracy_before,
    interval,
    loss_p_value,
)

#: Accuracy of the earlier version, and the ends of the interval of the change.
BEFORE, LOW, HIGH = "accuracy_before", "change_low", "change_high"

#: Largest loss within the interval, and the same where a loss is proven; 0 where it is not.
POSSIBLE_LOSS, PROVEN_LOSS = "possible_loss", "proven_loss"

#: 1 where a candidate has gained in a domain that the baseline was not trained on, 0 elsewhere; and
#: 1 where it is not worse there, 0 elsewhere.
GAINED, NOT_WORSE = "gained", "not_worse"


def metric_name(name: str, model: str) -> str:
    """Return the name of a metric of this module for one earlier version.

    Args:
        name: Key of `METRIC_FUNCTIONS`.
        model: Name of the earlier version among the models of the EvalConfig.
    """
    return f"{name}_{model}"


#: Name -> function from counts, the confidence and the level of the test to the value.
METRIC_FUNCTIONS: dict[str, Callable[[PairCounts, float, float], float]] = {
    BEFORE: lambda counts, confidence, level: accuracy_before(counts),
    LOW: lambda counts, confidence, level: interval(counts, confidence)[0],
    HIGH: lambda counts, confidence, level: interval(counts, confidence)[1],
    POSSIBLE_LOSS: lambda counts, confidence, level: -interval(counts, confidence)[0],
    PROVEN_LOSS: lambda counts, confidence, level: (
        -interval(counts, confidence)[0] if loss_p_value(counts) <= level else 0.0
    ),
    GAINED: lambda counts, confidence, level: float(is_gain(counts, confidence)),
    NOT_WORSE: lambda counts, confidence, level: float(not is_worse(counts, confidence)),
}


class PairCountsFn(beam.CombineFn):
    """Counts the pictures of a slice by which of two models classifies them correctly."""

    def __init__(
        self, key: metric_types.MetricKey, earlier: str, eval_config: config_pb2.EvalConfig | None
    ) -> None:
        """Name the models.

        Args:
            key: Key of the counts; its model is the candidate.
            earlier: Name of the earlier version. Its predictions are 1 where it is correct, 0 where
                it is wrong, and below 0 where it is not compared.
            eval_config: Config with both models.
        """
        self._key = key
        self._earlier = earlier
        self._eval_config = eval_config

    def create_accumulator(self) -> PairCounts:
        """Return empty counts."""
        return PairCounts()

    def add_input(
        self, accumulator: PairCounts, element: metric_types.StandardMetricInputs
    ) -> PairCounts:
        """Count one example."""
        _, before = self._read(element, self._earlier)
        if before.item() < 0:
            return accumulator
        label, probabilities = self._read(element, self._key.model_name)
        is_correct = bool(probabilities.reshape(-1).argmax() == label.item())
        was_correct = bool(before.item())
        return accumulator.merge(
            PairCounts(
                pictures=1,
                gained=int(is_correct and not was_correct),
                lost=int(was_correct and not is_correct),
                wrong=int(not is_correct),
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

    def _read(
        self, element: metric_types.StandardMetricInputs, model: str
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        [(label, prediction, _)] = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=model,
            output_name=self._key.output_name,
            flatten=False,
        )
        return np.asarray(label), np.asarray(prediction)


class PairedChange(metric_types.Metric):
    """One of the metrics in `METRIC_FUNCTIONS`, for the candidate against an earlier version."""

    def __init__(
        self,
        name: str,
        candidate: str,
        earlier: str,
        confidence: float,
        level: float = 0.0,
    ) -> None:
        """Configure the metric.

        Args:
            name: Name of the metric, see `metric_name`.
            candidate: Name of the candidate among the models of the EvalConfig.
            earlier: Name of the earlier version.
            confidence: Confidence of the interval, or that a candidate has gained; 0 to 1.
            level: Level of the test for a loss; 0 for a metric without a test.
        """
        super().__init__(
            _computations,
            name=name,
            candidate=candidate,
            earlier=earlier,
            confidence=confidence,
            level=level,
        )


def _computations(
    name: str,
    candidate: str,
    earlier: str,
    confidence: float,
    level: float,
    eval_config: config_pb2.EvalConfig | None = None,
    output_names: Iterable[str] = ("",),
    **_: Any,
) -> metric_types.MetricComputations:
    """One count per slice and earlier version, and the metric derived from it."""
    [output] = output_names
    counts_key = metric_types.MetricKey(
        name=f"_pairs_{earlier}", model_name=candidate, output_name=output
    )
    key = metric_types.MetricKey(name=name, model_name=candidate, output_name=output)
    function = METRIC_FUNCTIONS[name.removesuffix(f"_{earlier}")]

    def result(metrics: dict[metric_types.MetricKey, PairCounts]) -> dict[Any, float]:
        return {key: function(metrics[counts_key], confidence, level)}

    return [
        metric_types.MetricComputation(
            keys=[counts_key],
            preprocessors=None,
            combiner=PairCountsFn(counts_key, earlier, eval_config),
        ),
        metric_types.DerivedMetricComputation(keys=[key], result=result),
    ]


metric_types.register_metric(PairedChange)

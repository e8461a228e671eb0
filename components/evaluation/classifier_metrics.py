"""TFMA metrics of a classifier: accuracy, macro F1, log loss and calibration error.

All are derived from one pass per slice over class ids and probabilities. The ids are the model's
own, with -1 for a class that it does not know, so that a baseline from before a class existed is
counted as wrong on it, not left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from trainer_module.export.calibration import BINS, calibration_bins, error_of_bins

#: Least probability in the log loss; a zero would make one picture outweigh all others.
SMALLEST_PROBABILITY = 1e-7


@dataclass
class Tally:
    """What a slice's pictures add up to.

    Attributes:
        confusion: (true class id, predicted class id) -> pictures.
        log_loss: summed over pictures.
        bins: see `calibration_bins`.
    """

    confusion: Counter[tuple[int, int]] = field(default_factory=Counter)
    log_loss: float = 0.0
    bins: np.ndarray = field(default_factory=lambda: np.zeros((BINS, 3)))

    def add(self, label: int, probabilities: np.ndarray) -> None:
        """Count one picture."""
        predicted = int(probabilities.argmax())
        true_probability = probabilities[label] if label >= 0 else 0.0
        self.confusion[(label, predicted)] += 1
        self.log_loss -= float(np.log(max(true_probability, SMALLEST_PROBABILITY)))
        self.bins += calibration_bins(probabilities[[predicted]], np.array([predicted == label]))

    def merge(self, other: "Tally") -> None:
        """Count another tally's pictures too."""
        self.confusion.update(other.confusion)
        self.log_loss += other.log_loss
        self.bins = self.bins + other.bins

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return self.confusion.total()


def accuracy(tally: Tally) -> float:
    """Share of pictures whose most probable class is the true one."""
    right = sum(count for (label, guess), count in tally.confusion.items() if label == guess)
    return right / tally.pictures


def macro_f1(tally: Tally) -> float:
    """Mean F1 over the classes that the slice has pictures of."""
    true: Counter[int] = Counter()
    predicted: Counter[int] = Counter()
    for (label, guess), count in tally.confusion.items():
        true[label] += count
        predicted[guess] += count
    scores = [
        2 * tally.confusion[(label, label)] / (count + predicted[label])
        for label, count in true.items()
    ]
    return float(np.mean(scores))


def log_loss(tally: Tally) -> float:
    """Mean negative log probability of the true class, in nats."""
    return tally.log_loss / tally.pictures


def expected_calibration_error(tally: Tally) -> float:
    """Mean distance between confidence and accuracy over bins of confidence."""
    return error_of_bins(tally.bins)


#: Metric name -> how it follows from a tally.
DERIVED: dict[str, Callable[[Tally], float]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
}


class TallyFn(beam.CombineFn):
    """Adds up the pictures of a slice for one model."""

    def __init__(self, key: metric_types.MetricKey, eval_config: config_pb2.EvalConfig) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> Tally:
        """Nothing counted yet."""
        return Tally()

    def add_input(self, accumulator: Tally, element: metric_types.StandardMetricInputs) -> Tally:
        """Count one example."""
        examples = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            flatten=False,
        )
        for label, probabilities, _ in examples:
            accumulator.add(int(label.item()), np.asarray(probabilities).reshape(-1))
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Tally]) -> Tally:
        """Counts of several workers."""
        merged = Tally()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Tally) -> dict[metric_types.MetricKey, Tally]:
        """Hand the tally on to the metrics that follow from it."""
        return {self._key: accumulator}


class ClassifierMetric(metric_types.Metric):
    """One of the metrics in `DERIVED`, by name."""

    def __init__(self, name: str, code: str = "") -> None:
        """Configure the metric.

        Args:
            name: a key of `DERIVED`.
            code: fingerprint of this module. It does nothing here: as a part of the EvalConfig it
                makes TFX's cache notice a change.
        """
        super().__init__(
            metric_util.merge_per_key_computations(_computations), name=name, code=code
        )


def _computations(
    name: str,
    code: str = "",
    eval_config: config_pb2.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
    **_: Any,
) -> metric_types.MetricComputations:
    """One tally per model and slice, shared by all metrics, and the metric that follows from it."""
    tally_key = metric_types.MetricKey(
        name="_tally", model_name=model_name, output_name=output_name
    )
    key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)

    def result(metrics: dict[metric_types.MetricKey, Tally]) -> dict[Any, float]:
        return {key: DERIVED[name](metrics[tally_key])}

    return [
        metric_types.MetricComputation(
            keys=[tally_key], preprocessors=None, combiner=TallyFn(tally_key, eval_config)
        ),
        metric_types.DerivedMetricComputation(keys=[key], result=result),
    ]


metric_types.register_metric(ClassifierMetric)

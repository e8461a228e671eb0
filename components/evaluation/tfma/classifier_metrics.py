"""TFMA metrics of a classifier: accuracy, macro F1, log loss and expected calibration error.

All are derived from one pass per slice over class ids and probabilities. The ids are the model's
own, with -1 for a class that it does not know: a picture of such a class counts as wrong, and is
not left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.statistics.weighted_metric import SMALLEST_PROBABILITY
from trainer_module.export.calibration import BINS, calibration_bins, error_of_bins


@dataclass
class Totals:
    """Sums over the pictures of a slice.

    Attributes:
        confusion: (true class id, predicted class id) -> number of pictures.
        log_loss: Sum of the negative log probabilities of the true classes, in nats.
        bins: Sums per bin of confidence, float64 [BINS, 3], see `calibration_bins`.
    """

    confusion: Counter[tuple[int, int]] = field(default_factory=Counter)
    log_loss: float = 0.0
    bins: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((BINS, 3)))

    def add(self, label: int, probabilities: npt.NDArray[np.floating[Any]]) -> None:
        """Add one picture.

        Args:
            label: True class id, -1 for a class that the model does not know.
            probabilities: Predicted probabilities [classes].
        """
        predicted = int(probabilities.argmax())
        true_probability = probabilities[label] if label >= 0 else 0.0
        self.confusion[(label, predicted)] += 1
        self.log_loss -= float(np.log(max(true_probability, SMALLEST_PROBABILITY)))
        self.bins += calibration_bins(probabilities[[predicted]], np.array([predicted == label]))

    def merge(self, other: "Totals") -> None:
        """Add the sums of other pictures."""
        self.confusion.update(other.confusion)
        self.log_loss += other.log_loss
        self.bins = self.bins + other.bins

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return self.confusion.total()


def accuracy(totals: Totals) -> float:
    """Return the share of pictures whose most probable class is the true one."""
    correct = sum(
        count for (label, prediction), count in totals.confusion.items() if label == prediction
    )
    return correct / totals.pictures


def macro_f1(totals: Totals) -> float:
    """Return the mean F1 score over the classes that the slice has pictures of.

    A class that is only predicted is left out. scikit-learn's macro average counts it as 0.

    Example:
        >>> from components.evaluation.tfma.classifier_metrics import Totals, macro_f1
        >>> totals = Totals()
        >>> totals.confusion.update({(0, 0): 3, (0, 1): 1, (1, 1): 2})
        >>> round(macro_f1(totals), 3)  # the mean of 6/7 and 4/5
        0.829
    """
    true: Counter[int] = Counter()
    predicted: Counter[int] = Counter()
    for (label, prediction), count in totals.confusion.items():
        true[label] += count
        predicted[prediction] += count
    scores = [
        2 * totals.confusion[(label, label)] / (count + predicted[label])
        for label, count in true.items()
    ]
    return float(np.mean(scores))


def log_loss(totals: Totals) -> float:
    """Return the mean negative log probability of the true class, in nats."""
    return totals.log_loss / totals.pictures


def expected_calibration_error(totals: Totals) -> float:
    """Return the mean distance of confidence and accuracy over bins of confidence, 0 to 1.

    Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    return error_of_bins(totals.bins)


#: Metric name -> function from totals to its value.
METRIC_FUNCTIONS: dict[str, Callable[[Totals], float]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "log_loss": log_loss,
    "ece": expected_calibration_error,
}


class TotalsFn(beam.CombineFn):
    """Sums up the pictures of a slice for one model."""

    def __init__(self, key: metric_types.MetricKey, eval_config: config_pb2.EvalConfig) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> Totals:
        """Return totals of no pictures."""
        return Totals()

    def add_input(self, accumulator: Totals, element: metric_types.StandardMetricInputs) -> Totals:
        """Add one example."""
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

    def merge_accumulators(self, accumulators: Iterable[Totals]) -> Totals:
        """Return the sums over several Beam workers."""
        merged = Totals()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Totals) -> dict[metric_types.MetricKey, Totals]:
        """Return the totals for the metrics that are derived from them."""
        return {self._key: accumulator}


class ClassifierMetric(metric_types.Metric):
    """One of the metrics in `METRIC_FUNCTIONS`, by name."""

    def __init__(self, name: str) -> None:
        """Configure the metric.

        Args:
            name: Key of `METRIC_FUNCTIONS`.
        """
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(
    name: str,
    eval_config: config_pb2.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
    **_: Any,
) -> metric_types.MetricComputations:
    """Totals per model and slice, shared by all metrics, and the metric derived from them."""
    totals_key = metric_types.MetricKey(
        name="_tally", model_name=model_name, output_name=output_name
    )
    key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)

    def result(metrics: dict[metric_types.MetricKey, Totals]) -> dict[Any, float]:
        return {key: METRIC_FUNCTIONS[name](metrics[totals_key])}

    return [
        metric_types.MetricComputation(
            keys=[totals_key], preprocessors=None, combiner=TotalsFn(totals_key, eval_config)
        ),
        metric_types.DerivedMetricComputation(keys=[key], result=result),
    ]


metric_types.register_metric(ClassifierMetric)

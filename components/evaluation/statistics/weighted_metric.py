"""Metrics of a classifier for many weightings of the same pictures, and many exchanges, at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from trainer_module.export.calibration import BINS, bin_positions

#: Metrics for which a higher value is a loss.
LOWER_IS_BETTER = frozenset({"log_loss", "calibration_error"})

#: Least probability in the log loss. A probability of zero would make it infinite.
SMALLEST_PROBABILITY = 1e-7

BoolArray: TypeAlias = npt.NDArray[np.bool_]
FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]

#: Function from exchanges, bool [pictures, exchanges], to the metrics of both models after them.
Exchange: TypeAlias = Callable[[BoolArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Scores:
    """Predictions of a model for pictures whose classes are known. All arrays are [pictures].

    Attributes:
        labels: Ids of the true classes, int64, not negative.
        predicted: Ids of the predicted classes, int64; -1 for a class that no picture has.
        confidence: Probabilities of the predicted classes, float64.
        true_probability: Probabilities of the true classes, float64.
    """

    labels: IntArray
    predicted: IntArray
    confidence: FloatArray
    true_probability: FloatArray

    @cached_property
    def correct(self) -> BoolArray:
        """Whether the predictions are correct."""
        return self.predicted == self.labels

    def take(self, rows: npt.NDArray[np.int64]) -> "Scores":
        """Return the predictions for some pictures, in the order of `rows`."""
        return Scores(
            self.labels[rows],
            self.predicted[rows],
            self.confidence[rows],
            self.true_probability[rows],
        )


#: A metric class: predictions are exchanged between models of the same metric.
Model = TypeVar("Model", bound="WeightedMetric")
Sums = TypeVar("Sums", bound="MetricOfSums")


class WeightedMetric(ABC):
    """Metric of one model on the test pictures of a slice."""

    @abstractmethod
    def values(self, weights: FloatArray) -> FloatArray:
        """Return the metric for every weighting of the pictures.

        Args:
            weights: Weights, not negative, float64 [pictures, weightings].

        Returns:
            Metrics, float64 [weightings].
        """

    @abstractmethod
    def exchange(self: Model, other: Model) -> Exchange:
        """Return a function that exchanges predictions with another model.

        Args:
            other: Metric of the other model on the same pictures.
        """


class MetricOfSums(WeightedMetric):
    """Metric that is a function of sums over the pictures.

    Attributes:
        terms: Terms of every picture, [sums, pictures].
    """

    def __init__(self, terms: csr_matrix) -> None:
        self.terms = terms

    @staticmethod
    @abstractmethod
    def of_sums(sums: FloatArray) -> FloatArray:
        """Return the metrics of some sums, float64 [sums, weightings]."""

    def values(self, weights: FloatArray) -> FloatArray:
        """See `WeightedMetric`."""
        return self.of_sums(self.terms @ weights)

    def exchange(self: Sums, other: Sums) -> Exchange:
        """See `WeightedMetric`."""
        changes = (other.terms - self.terms).tocsc()
        changed = np.flatnonzero(np.diff(changes.indptr))
        changes = changes[:, changed].tocsr()
        own, others = (np.asarray(terms.sum(axis=1)) for terms in (self.terms, other.terms))

        def values(is_exchanged: BoolArray) -> tuple[FloatArray, FloatArray]:
            moved = changes @ is_exchanged[changed].astype(np.float64)
            return self.of_sums(own + moved), self.of_sums(others - moved)

        return values


class MacroF1(MetricOfSums):
    """Mean F1 score over the classes that pictures have, 0 to 1.

    A class that is only predicted is left out, as in `classifier_metrics.macro_f1`.

    Example:
        >>> import numpy as np
        >>> from components.evaluation.statistics.weighted_metric import MacroF1, Scores
        >>> labels, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
        >>> metric = MacroF1(Scores(labels, predicted, np.ones(3), np.ones(3)))
        >>> [round(value, 3) for value in metric.values(np.array([[1.0, 1], [1, 0], [1, 1]]))]
        [0.667, 1.0]
    """

    def __init__(self, scores: Scores) -> None:
        """Sort the pictures by their true and predicted classes."""
        classes = int(max(scores.labels.max(), scores.predicted.max())) + 1
        kinds = (scores.labels, scores.predicted, np.where(scores.correct, scores.labels, -1))
        rows = np.concatenate([np.where(ids >= 0, 3 * ids + i, -1) for i, ids in enumerate(kinds)])
        pictures = np.tile(np.arange(len(scores.labels)), len(kinds))
        is_class = rows >= 0
        cells = (np.ones(int(is_class.sum())), (rows[is_class], pictures[is_class]))
        super().__init__(csr_matrix(cells, shape=(3 * classes, len(scores.labels))))

    @staticmethod
    def of_sums(sums: FloatArray) -> FloatArray:
        """Return the metrics of the true, the predicted and the correct pictures per class."""
        true, predicted, correct = sums[0::3], sums[1::3], sums[2::3]
        has_pictures = true > 0
        total = np.where(has_pictures, true + predicted, 1)
        scores = np.where(has_pictures, 2 * correct / total, 0)
        mean: FloatArray = scores.sum(axis=0) / has_pictures.sum(axis=0)
        return mean


class LogLoss(MetricOfSums):
    """Mean negative log probability of the true class, in nats."""

    def __init__(self, scores: Scores) -> None:
        """Compute the log probabilities."""
        losses = -np.log(np.maximum(scores.true_probability, SMALLEST_PROBABILITY))
        super().__init__(csr_matrix(np.stack([np.ones_like(losses), losses])))

    @staticmethod
    def of_sums(sums: FloatArray) -> FloatArray:
        """Return the metrics of the weights and the losses."""
        weights, losses = sums
        mean: FloatArray = losses / weights
        return mean


class CalibrationError(MetricOfSums):
    """Expected calibration error, 0 to 1, see `calibration.expected_calibration_error`."""

    def __init__(self, scores: Scores) -> None:
        """Sort the pictures into bins of confidence."""
        pictures = np.arange(len(scores.labels))
        rows = np.concatenate([np.full_like(pictures, BINS), bin_positions(scores.confidence)])
        terms = np.concatenate([np.ones(len(pictures)), scores.confidence - scores.correct])
        cells = (terms, (rows, np.tile(pictures, 2)))
        super().__init__(csr_matrix(cells, shape=(BINS + 1, len(pictures))))

    @staticmethod
    def of_sums(sums: FloatArray) -> FloatArray:
        """Return the metrics of confidence minus correctness per bin, and of the weights."""
        mean: FloatArray = np.abs(sums[:-1]).sum(axis=0) / sums[-1]
        return mean

"""Recall of a classifier that keeps only its confident predictions."""

import numpy as np

from components.evaluation.statistics.weighted_metric import (
    BoolArray,
    Exchange,
    FloatArray,
    Scores,
    WeightedMetric,
)

#: Sums of weights are rounded: the precision may be lower by so much.
_ROUNDING = 1e-6


class RecallAtPrecision(WeightedMetric):
    """Largest share of the pictures that can be kept with a correct prediction, 0 to 1.

    A prediction is kept if its confidence is at least a threshold. Among the thresholds at which
    the kept predictions have the precision, the one that keeps most correct predictions counts. The
    recall is their number divided by the number of all pictures, and 0 without such a threshold.

    Example:
        >>> import numpy as np
        >>> from components.evaluation.statistics.recall_at_precision import RecallAtPrecision
        >>> from components.evaluation.statistics.weighted_metric import Scores
        >>> labels, predicted = np.array([0, 0, 0, 0]), np.array([0, 0, 1, 0])
        >>> confidence = np.array([0.9, 0.8, 0.7, 0.6])
        >>> metric = RecallAtPrecision(Scores(labels, predicted, confidence, confidence), 0.95)
        >>> metric.values(np.ones((4, 1))).tolist()  # the third is wrong: the first two are kept
        [0.5]
    """

    def __init__(self, scores: Scores, precision: float) -> None:
        """Sort the pictures by confidence.

        Args:
            scores: Predictions of the model.
            precision: Least share of the kept predictions that are correct, 0 to 1.
        """
        self._confidence, self._correct = scores.confidence, scores.correct
        self._precision = precision
        self._ranking = _Ranking(scores.confidence, scores.correct)

    def values(self, weights: FloatArray) -> FloatArray:
        """See `WeightedMetric`."""
        kept, correct = self._ranking.sums(weights)
        return self._ranking.recalls(kept, correct, self._precision)

    def exchange(self, other: "RecallAtPrecision") -> Exchange:
        """See `WeightedMetric`."""
        ranking = _Ranking(
            np.concatenate([self._confidence, other._confidence]),
            np.concatenate([self._correct, other._correct]),
        )
        all_kept, all_correct = ranking.sums(np.ones((2 * len(self._correct), 1), np.float32))

        def values(is_exchanged: BoolArray) -> tuple[FloatArray, FloatArray]:
            own = np.concatenate([~is_exchanged, is_exchanged]).astype(np.float32)
            kept, correct = ranking.sums(own)
            return (
                ranking.recalls(kept, correct, self._precision),
                ranking.recalls(all_kept - kept, all_correct - correct, self._precision),
            )

        return values


class _Ranking:
    """Predictions in descending order of confidence."""

    def __init__(self, confidence: FloatArray, correct: BoolArray) -> None:
        self._order = np.argsort(-confidence, kind="stable")
        # A threshold keeps all predictions of one confidence, or none of them.
        self._is_last = np.diff(confidence[self._order], append=-1.0) != 0
        self._correct = correct[self._order].astype(np.float32)

    def sums(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weights of the kept and of the correct ones of them at every threshold.

        Both arrays are [weightings, thresholds]: NumPy adds along rows many times faster.
        """
        ordered = weights[self._order].T.copy()
        kept = np.cumsum(ordered, axis=1)
        correct = np.cumsum(ordered * self._correct, axis=1)
        if self._is_last.all():
            return kept, correct  # without a copy
        return kept[:, self._is_last], correct[:, self._is_last]

    @staticmethod
    def recalls(kept: FloatArray, correct: FloatArray, precision: float) -> FloatArray:
        """Return the largest recall with a precision, for every weighting."""
        is_precise = correct >= kept.dtype.type(precision - _ROUNDING) * kept
        best: FloatArray = (correct * is_precise).max(axis=1) / kept[:, -1]
        return best

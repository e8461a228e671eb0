"""Estimate of a model's accuracy from the agreement with a second classifier.

As in "Assessing generalization of SGD via disagreement" (Jiang and others, ICLR 2022, arXiv
2106.13799), the share of pictures for which two classifiers give the same class stands for the
accuracy. The second classifier is a linear discriminant in the embeddings of the eval pictures,
from which the model itself did not learn. In domains that neither of them knows, they disagree
about as often as the model is wrong; the confidence stays high there.
"""

import numpy as np
import numpy.typing as npt

from pipeline.monitoring.known_pictures import Float64Array, KnownPictures
from pipeline.monitoring.shrinkage import shrink

#: Pictures below which nothing is estimated.
MIN_PICTURES = 10


class SecondClassifier:
    """A linear discriminant that learned from the known pictures."""

    def __init__(self, known: KnownPictures) -> None:
        """Learn.

        Args:
            known: Known pictures.
        """
        self._labels, numbers = np.unique(known.labels, return_inverse=True)
        numbers = numbers.reshape(-1)
        means = np.stack(
            [known.points[numbers == n].mean(axis=0) for n in range(numbers.max() + 1)]
        )
        rest = known.points - means[numbers]
        self._weights = np.linalg.solve(shrink(rest.T @ rest / len(rest)), means.T)
        self._offsets = (means.T * self._weights).sum(axis=0) / 2

    def agreement(self, points: Float64Array, predicted: npt.NDArray[np.str_]) -> float | None:
        """Return the share of pictures for which the model predicts the same class.

        Args:
            points: Pictures as points, float64 [rows, dim of points].
            predicted: Classes that the model predicted, str [rows].

        Returns:
            None for fewer than `MIN_PICTURES` pictures.
        """
        if len(points) < MIN_PICTURES:
            return None
        own = self._labels[(points @ self._weights - self._offsets).argmax(axis=1)]
        return float((own == predicted).mean())

"""Confidence interval of an accuracy."""

import math
from statistics import NormalDist


def accuracy_interval(accuracy: float, pictures: float, confidence: float) -> tuple[float, float]:
    """Return a two-sided confidence interval of an accuracy.

    It is Wilson's score interval ("Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, 1927).

    Args:
        accuracy: Share of the test pictures that are classified correctly, 0 to 1.
        pictures: Number of test pictures; above 0.
        confidence: Share of such intervals that contain the true accuracy, between 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Example:
        >>> from components.evaluation.statistics.accuracy_interval import accuracy_interval
        >>> low, high = accuracy_interval(0.9, pictures=20, confidence=0.9)
        >>> f"{low:.2f} to {high:.2f}"
        '0.74 to 0.97'
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    shrunk = 1 + z**2 / pictures
    middle = (accuracy + z**2 / (2 * pictures)) / shrunk
    margin = z / shrunk * math.sqrt(accuracy * (1 - accuracy) / pictures + z**2 / (4 * pictures**2))
    return max(0.0, middle - margin), min(1.0, middle + margin)

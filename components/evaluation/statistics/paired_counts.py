"""Change in accuracy of two models on the same pictures: its interval, and tests of it.

Both models classify the same pictures, so only those count that one of them classifies correctly
and the other does not. A "loss" is a picture that only the earlier model classifies correctly, a
"gain" one that only the candidate classifies correctly. If both models are equally good, a picture
of the two kinds is a loss as often as a gain, however hard the pictures are (McNemar, 1947).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from scipy.special import bdtrc

#: Pictures added to each of the four cells: both correct, both wrong, gained, lost.
ADDED = 0.5


@dataclass
class PairCounts:
    """Pictures of a slice, by which of the two models classifies them correctly.

    Attributes:
        pictures: Number of pictures.
        gained: Pictures that only the candidate classifies correctly.
        lost: Pictures that only the earlier model classifies correctly.
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


def accuracy_before(counts: PairCounts) -> float:
    """Return the accuracy of the earlier model, 0 to 1; NaN without pictures."""
    correct = counts.pictures - counts.wrong - counts.gained + counts.lost
    return correct / counts.pictures if counts.pictures else math.nan


def interval(counts: PairCounts, confidence: float) -> tuple[float, float]:
    """Return a two-sided confidence interval of the change in accuracy.

    It is that of "Simple improved confidence intervals for comparing matched proportions" (Agresti
    and Min, Statistics in Medicine 24, 2005): Wald's, after half a picture is added to each of the
    four cells. It holds for small test sets too, and its width is never zero.

    Args:
        counts: Counts of a slice.
        confidence: Share of such intervals that contain the true change, between 0 and 1.

    Returns:
        Lower and upper end, between -1 and 1.

    Example:
        >>> from components.evaluation.statistics.paired_counts import PairCounts, interval
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


def loss_p_value(counts: PairCounts) -> float:
    """Return the p-value of a loss: how probable so many losses are for equally good models.

    It is McNemar's exact conditional test, one-sided, in its mid-p form. Fagerland, Lydersen and
    Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than
    exact conditional" (BMC Medical Research Methodology 13, 2013), recommend it: the exact form
    rejects equal models far more rarely than it says.

    Example:
        >>> from components.evaluation.statistics.paired_counts import PairCounts, loss_p_value
        >>> round(loss_p_value(PairCounts(pictures=100, gained=0, lost=5)), 4)
        0.0156
    """
    return _mid_p(counts.lost, counts.gained)


def gain_p_value(counts: PairCounts) -> float:
    """Return the p-value of a gain: `loss_p_value` with the two models exchanged."""
    return _mid_p(counts.gained, counts.lost)


def smallest_p_value(counts: PairCounts) -> float:
    """Return the least `loss_p_value` that counts with as many gains and losses can have."""
    return 0.5 ** (counts.gained + counts.lost + 1)


def _mid_p(more: int, fewer: int) -> float:
    total = more + fewer
    at_least = float(bdtrc(more - 1, total, 0.5)) if more else 1.0
    return (at_least + float(bdtrc(more, total, 0.5))) / 2

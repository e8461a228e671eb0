"""What a gate can see: the smallest loss that it notices, and the pictures that it needs."""

import math
from statistics import NormalDist

#: Probability with which a loss must be noticed.
POWER = 0.8

#: Share of pictures that change for the better, at least, where no model is perfect. Without it a
#: slice of few pictures in which nothing happened to change would seem to see everything.
LEAST_GAIN = 0.01


def smallest_detectable_loss(pictures: int, gained_share: float, level: float) -> float:
    """Return the smallest true loss that a gate notices with probability `POWER`.

    McNemar's test (Connor, "Sample size for testing differences in proportions for the
    paired-sample design", Biometrics 43, 1987): a candidate that loses a share `d` of the pictures
    has losses `g + d` and gains `g`. The formula is an approximation: the exact test notices the
    loss with a probability between 0.8 and 0.9, and 0.94 where a level below 0.001 meets fewer than
    100 pictures.

    Args:
        pictures: Number of test pictures.
        gained_share: Share of pictures that only the candidate classifies correctly, 0 to 1.
        level: Level of the one-sided test, between 0 and 1.

    Returns:
        Loss of accuracy, 0 to 1; 1 where not even the loss of all pictures would be noticed.

    Example:
        >>> from components.evaluation.statistics.detectable_loss import smallest_detectable_loss
        >>> [round(smallest_detectable_loss(n, 0.03, 0.05), 2) for n in (20, 100, 1000)]
        [0.33, 0.1, 0.02]
    """
    low, high = 0.0, 1.0
    if needed_pictures(high, gained_share, level) > pictures:
        return 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        if needed_pictures(middle, gained_share, level) > pictures:
            low = middle
        else:
            high = middle
    return high


def needed_pictures(loss: float, gained_share: float, level: float) -> float:
    """Return the number of test pictures with which a gate notices a loss.

    Args:
        loss: True loss of accuracy, 0 to 1.
        gained_share: See `smallest_detectable_loss`.
        level: Level of the one-sided test, between 0 and 1.

    Returns:
        Number of pictures, not rounded; infinite for a loss of 0.
    """
    if loss <= 0:
        return math.inf
    normal = NormalDist()
    # A loss of all pictures leaves none to gain.
    gained = min(max(gained_share, LEAST_GAIN), (1 - loss) / 2)
    changed = 2 * gained + loss
    at_level = normal.inv_cdf(1 - level) * math.sqrt(changed)
    at_power = normal.inv_cdf(POWER) * math.sqrt(changed - loss**2)
    by_spread = ((at_level + at_power) / loss) ** 2
    # So many losses, without a gain, have a p-value at the level at all.
    by_count = math.log2(1 / level) - 1
    return max(by_spread, by_count / loss)

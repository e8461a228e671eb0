"""The median rule: a trial that does worse than half of the others ends early."""

from collections.abc import Sequence
from math import ceil
from statistics import median

#: Number of complete trials from which on others are stopped, and the share of its epochs that
#: every trial is trained for.
MIN_TRIALS, MIN_SHARE = 4, 0.4


def is_hopeless(curve: Sequence[float], epochs: int, earlier: Sequence[Sequence[float]]) -> bool:
    """Return whether a trial is below the median of complete trials so far.

    Its best accuracy is compared with the best ones of the others after the same share of their
    epochs: the learning rate falls with the share of the training, and trials have different
    numbers of epochs. The rule is the median stopping rule of "Google Vizier" (Golovin et al.,
    2017), with the best value in place of the running average.

    Args:
        curve: Accuracy after every epoch of the trial so far.
        epochs: Number of epochs of the whole trial.
        earlier: Curves of complete trials, with a value for every epoch.

    Example:
        >>> from trainer_module.tuning.early_stopping import is_hopeless
        >>> earlier = [[0.5, 0.8], [0.6, 0.7], [0.7, 0.9], [0.7, 0.7]]
        >>> is_hopeless([0.6], 2, earlier), is_hopeless([0.65], 2, earlier)
        (True, False)
    """
    share = len(curve) / epochs
    if len(earlier) < MIN_TRIALS or share < MIN_SHARE or share >= 1:
        return False
    others = [max(other[: ceil(len(other) * share)]) for other in earlier]
    return max(curve) < median(others)

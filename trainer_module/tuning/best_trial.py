"""Choice of the best trial on the eval split, where the split is small and trials are many."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from trainer_module.stages.model_selection import is_worse, select_best
from trainer_module.training_options import Criterion


@dataclass(frozen=True)
class EvalRows:
    """Labels of the eval split.

    Attributes:
        targets: True class IDs, int32 [rows]; -1 for a class that no classifier knows.
        domains: Domain of each row, str [rows].
        criterion: Accuracy to compare.
    """

    targets: npt.NDArray[np.int32]
    domains: npt.NDArray[np.object_]
    criterion: Criterion


def select_trial(
    default: npt.NDArray[np.float32], others: Sequence[npt.NDArray[np.float32]], rows: EvalRows
) -> int | None:
    """Return the position of the best of other trials; None if none is better than the default.

    A trial is better if its advantage exceeds what chance explains, see `model_selection.is_worse`.
    Of several such trials, `model_selection.select_best` selects one.

    Args:
        default: Logits of the trial with the config as given, float32 [rows, classes].
        others: Logits of the other complete trials.
        rows: Labels of the eval split.
    """
    errors = standard_errors(len(others))
    correct = default.argmax(axis=-1) == rows.targets
    better = [
        position
        for position, logits in enumerate(others)
        if np.isfinite(logits).all()
        and is_worse(
            logits.argmax(axis=-1) == rows.targets, correct, rows.domains, rows.criterion, errors
        )
    ]
    if not better:
        return None
    logits = [others[position] for position in better]
    return better[select_best(logits, rows.targets, rows.domains, rows.criterion)]


def standard_errors(trials: int) -> float:
    """Return the number of standard errors that the best of some trials gains by chance.

    It is one for a single trial, as for the stages of a training. The best of many equal trials
    gains more: the level is divided by their number (Šidák's correction).

    Args:
        trials: Number of trials that are compared with the default.

    Example:
        >>> from trainer_module.tuning.best_trial import standard_errors
        >>> [round(standard_errors(trials), 1) for trials in (1, 10, 50)]
        [1.0, 2.1, 2.7]
    """
    alone = norm.cdf(1)
    return float(norm.ppf(alone ** (1 / max(1, trials))))

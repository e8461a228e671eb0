"""How much every training picture counts."""

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from trainer_module.options import TrainingOptions

Balance = Literal["none", "class", "domain", "cell"]


def training_weights(
    labels: np.ndarray, domains: np.ndarray, options: "TrainingOptions"
) -> np.ndarray:
    """Row weights of a run: float32 [rows], of mean 1.

    Args:
        labels: str [rows].
        domains: str [rows].
        options: of which `balance` and the name of the objective count, see `balance_of`.
    """
    return row_weights(labels, domains, balance_of(options.objective.name, options.balance))


def balance_of(objective: str, balance: Balance) -> Balance:
    """What is balanced under an objective.

    Args:
        objective: its name. `balanced` is `erm` in which every cell counts the same, whatever
            else is asked for.
        balance: that was asked for.
    """
    return "cell" if objective == "balanced" else balance


def row_weights(labels: np.ndarray, domains: np.ndarray, balance: Balance) -> np.ndarray:
    """Weights under which every group counts the same in total, however many pictures it has.

    Args:
        labels: str [rows].
        domains: str [rows].
        balance: the groups: `class`, `domain` or `cell` (a class in a domain; those without
            pictures do not count); `none` makes all rows equal.

    Returns:
        float32 [rows], of mean 1.
    """
    if balance == "none":
        return np.ones(len(labels), np.float32)
    classes, places = _numbered(labels), _numbered(domains)
    cells = classes * len(places) + places
    groups = {"class": classes, "domain": places, "cell": cells}[balance]
    _, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return (len(groups) / (len(counts) * counts[group])).astype(np.float32)


def _numbered(values: np.ndarray) -> np.ndarray:
    """A number for every distinct value, int64 [rows]."""
    return np.unique(values.astype(str), return_inverse=True)[1]

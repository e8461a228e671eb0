"""How much every training picture counts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from trainer_module.training_options import TrainingOptions

Balance = Literal["none", "class", "domain", "cell"]


@dataclass(frozen=True)
class Fresh:
    """Pictures that the model to start from has not been trained on yet.

    Attributes:
        folders: that they are in, as their ids begin.
        share: of the training that goes to them, whatever their number.
    """

    folders: tuple[str, ...] = ()
    share: float = 0.5

    def among(self, image_ids: np.ndarray) -> np.ndarray:
        """Which pictures they are: bool [rows], from ids, bytes [rows]."""
        prefixes = tuple(f"{folder}/".encode() for folder in self.folders)
        return np.array([name.startswith(prefixes) for name in image_ids], bool)


#: Nothing is fresh: every picture of a first training is.
NOTHING_FRESH = Fresh()


def training_weights(
    labels: np.ndarray,
    domains: np.ndarray,
    options: "TrainingOptions",
    fresh: np.ndarray | None = None,
    share: float = 0.5,
) -> np.ndarray:
    """Row weights of a run: float32 [rows], of mean 1.

    Args:
        labels: str [rows].
        domains: str [rows].
        options: of which `balance` and the name of the objective count, see `balance_of`.
        fresh: bool [rows], see `Fresh`; None where nothing is. Fresh rows are balanced among
            themselves, and so are the others.
        share: of the total that fresh rows have, if there are both kinds.
    """
    balance = balance_of(options.objective.name, options.balance)
    if fresh is None or fresh.all() or not fresh.any():
        return row_weights(labels, domains, balance)
    weights: np.ndarray = np.empty(len(labels), np.float32)
    for part, of_total in ((fresh, share), (~fresh, 1 - share)):
        own = row_weights(labels[part], domains[part], balance)
        weights[part] = own * np.float32(of_total * len(labels) / part.sum())
    return weights


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

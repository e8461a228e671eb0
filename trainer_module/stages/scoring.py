"""How good answers are, per domain, and the one number that every choice is made by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Criterion = Literal["mean_domain", "worst_domain", "overall"]


@dataclass(frozen=True)
class Score:
    """Share of correct answers.

    Attributes:
        accuracy: over all pictures.
        domain_accuracy: per domain, in name order.
    """

    accuracy: float
    domain_accuracy: dict[str, float]

    @property
    def mean_domain_accuracy(self) -> float:
        """Every domain counts the same, however many pictures it has."""
        return float(np.mean(list(self.domain_accuracy.values())))

    def by(self, criterion: Criterion) -> float:
        """The number to choose by."""
        if criterion == "overall":
            return self.accuracy
        if criterion == "worst_domain":
            return min(self.domain_accuracy.values())
        return self.mean_domain_accuracy


def score(answers: np.ndarray, targets: np.ndarray, domains: np.ndarray) -> Score:
    """Compare answers with the truth.

    Args:
        answers: class ids, int [rows].
        targets: class ids, int [rows].
        domains: str [rows].
    """
    correct = answers == targets
    return Score(
        accuracy=float(correct.mean()),
        domain_accuracy={
            domain: float(correct[domains == domain].mean()) for domain in sorted(set(domains))
        },
    )


def class_ids(labels: np.ndarray, known: Sequence[str]) -> np.ndarray:
    """Class id of every label, int32 [rows]; -1 for one that is not among the known."""
    ids = {label: number for number, label in enumerate(known)}
    return np.array([ids.get(label, -1) for label in labels], np.int32)


def domain_ids(domains: np.ndarray) -> np.ndarray:
    """Number of every domain in name order, int32 [rows]."""
    return np.unique(domains.astype(str), return_inverse=True)[1].astype(np.int32)

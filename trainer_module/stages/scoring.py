"""Accuracy per domain, and the number by which classifiers are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer_module.training_options import Criterion


@dataclass(frozen=True)
class Score:
    """Accuracy of predictions, from 0 to 1.

    Attributes:
        accuracy: Accuracy over all pictures.
        domain_accuracy: Accuracy in each domain, in the order of the domains' names.
    """

    accuracy: float
    domain_accuracy: dict[str, float]

    @property
    def mean_domain_accuracy(self) -> float:
        """Mean over domains; every domain counts the same, whatever its number of pictures."""
        return float(np.mean(list(self.domain_accuracy.values())))

    def by(self, criterion: Criterion) -> float:
        """Return the accuracy that a criterion compares."""
        if criterion == "overall":
            return self.accuracy
        if criterion == "worst_domain":
            return min(self.domain_accuracy.values())
        return self.mean_domain_accuracy


def score(
    predicted: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int32],
    domains: npt.NDArray[np.object_],
) -> Score:
    """Return the accuracy of predicted classes.

    Args:
        predicted: Predicted class IDs, int [rows].
        targets: True class IDs, int [rows]; -1 for a class unknown to the classifier, which
            counts as wrong.
        domains: Domain of each row, str [rows].
    """
    correct = predicted == targets
    return Score(
        accuracy=float(correct.mean()),
        domain_accuracy={
            domain: float(correct[domains == domain].mean()) for domain in sorted(set(domains))
        },
    )


def class_ids(labels: npt.NDArray[np.object_], known: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return the class ID of every label, int32 [rows]; -1 for a label that is not known."""
    ids = {label: number for number, label in enumerate(known)}
    return np.array([ids.get(label, -1) for label in labels], np.int32)

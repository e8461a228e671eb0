"""Correctness of the predictions for the test split, and counts of its parts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.evaluation.gate.metric_comparison import ScorePairs
from components.evaluation.statistics.paired_counts import PairCounts

#: Correctness of a prediction that an earlier version has not made, and of one for a picture of a
#: class that it does not know. Neither says anything about a loss: such pictures are not compared.
UNKNOWN, NEW_CLASS = -1, -2

#: A slice: domain, and class or None for the whole domain.
Slice = tuple[str, str | None]


@dataclass(frozen=True)
class TestedPictures:
    """Correctness of all predictions for the test split. All arrays have the shape [pictures].

    Attributes:
        domains: Domains, str.
        labels: True classes, str.
        correct: Whether the candidate is correct.
        earlier: Version -> values of `correctness` for that version.
        values: Column of a slice -> values, str; "" for a picture without one.
        scores: Predictions of the candidate and the serving version, for `gate.metrics`; None where
            no further metric is compared.
    """

    domains: npt.NDArray[np.object_]
    labels: npt.NDArray[np.object_]
    correct: npt.NDArray[np.bool_]
    earlier: Mapping[int, npt.NDArray[np.int8]]
    values: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    scores: ScorePairs | None = None

    @cached_property
    def domain_groups(self) -> tuple[list[Slice], npt.NDArray[np.intp]]:
        """All domains, and the number of every picture's domain in this list."""
        names, numbers = np.unique(self.domains.astype(str), return_inverse=True)
        return [(str(name), None) for name in names], numbers

    @cached_property
    def class_groups(self) -> tuple[list[Slice], npt.NDArray[np.intp]]:
        """All classes of all domains, and the number of every picture's class in this list."""
        domains, domain_numbers = self.domain_groups
        names, numbers = np.unique(self.labels.astype(str), return_inverse=True)
        slices: list[Slice] = [(domain, str(name)) for domain, _ in domains for name in names]
        return slices, domain_numbers * len(names) + numbers


def correctness(
    predicted: npt.NDArray[np.object_],
    labels: npt.NDArray[np.object_],
    known_labels: Collection[str] | None = None,
) -> npt.NDArray[np.int8]:
    """Return 1 where a version is correct, and 0 where it is wrong.

    It is `UNKNOWN` without a prediction, and `NEW_CLASS` for a class that the version does not
    know. Such a class is always predicted wrongly: compared with that, what a candidate gains in it
    would hide what it loses in the classes that both know.

    Args:
        predicted: Predicted classes, str; None without a prediction.
        labels: True classes, str.
        known_labels: Classes that the version knows; None if that is not known.
    """
    is_made = np.array([one is not None for one in predicted], bool)
    found = np.where(is_made, predicted == labels, UNKNOWN).astype(np.int8)
    if known_labels is not None:
        is_new = np.array([label not in known_labels for label in labels], bool)
        found[is_made & is_new] = NEW_CLASS
    return found


def with_new_classes(correct: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Return the values of `correctness` with 0 for the classes that the version does not know."""
    return np.where(correct == NEW_CLASS, 0, correct).astype(np.int8)


def count_groups(
    split: TestedPictures, before: npt.NDArray[np.int8], groups: npt.NDArray[np.intp]
) -> Iterator[tuple[int, PairCounts]]:
    """Yield the counts of every group with pictures that are compared.

    Args:
        split: Correctness of the candidate.
        before: Correctness of an earlier version, see `TestedPictures.earlier`.
        groups: Number of every picture's group; -1 for a picture in none.

    Yields:
        Number of the group, and its counts.
    """
    compared = (before >= 0) & (groups >= 0)
    pictures, gained, lost, wrong = (
        np.bincount(groups[chosen], minlength=groups.max(initial=0) + 1)
        for chosen in (
            compared,
            compared & split.correct & (before == 0),
            compared & ~split.correct & (before == 1),
            compared & ~split.correct,
        )
    )
    for number in np.flatnonzero(pictures):
        columns = (int(column[number]) for column in (pictures, gained, lost, wrong))
        yield int(number), PairCounts(*columns)

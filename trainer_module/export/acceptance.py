"""Fits the confidence from which predictions are accepted, so that few accepted ones are wrong.

A domain's share of correct predictions among the accepted ones is shown by an exact binomial test,
as in "Selective classification for deep neural networks" (Geifman and El-Yaniv, 2017, arXiv
1705.08500). Many limits are tried, from strict to loose until a test fails, so no test needs a
correction (fixed sequence testing: "Learn then test", Angelopoulos and others, 2021, arXiv
2110.01052, section 2.4). The first limit and the domains to test depend on confidences only, not on
labels.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, betaincinv
from scipy.stats import binom

#: Probability that a domain's share of correct predictions is what the test says.
LEVEL = 0.9

#: Limit of the confidence that no prediction reaches.
NOTHING = 2.0

#: Most limits that are tried. They are quantiles of the confidences.
MAX_LIMITS = 500

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DomainAcceptance:
    """Accepted predictions in one domain of the eval split.

    Attributes:
        pictures: Number of pictures.
        accepted: Number of pictures whose prediction is accepted.
        correct: Number of accepted predictions that are correct.
        accuracy_low: Lower end of the one-sided confidence interval (Clopper and Pearson, 1934) of
            the share of accepted predictions that are correct, with the level `LEVEL`.
        is_shown: Whether this end reaches the wanted share.
    """

    pictures: int
    accepted: int
    correct: int
    accuracy_low: float
    is_shown: bool


@dataclass(frozen=True)
class Acceptance:
    """Limits of accepted predictions, and what they leave of the eval split.

    Attributes:
        accuracy: Wanted share of correct predictions among the accepted ones.
        min_confidence: Lowest confidence of an accepted prediction; `NOTHING` if none is accepted.
        max_novelty: Greatest novelty of an accepted prediction.
        domains: Accepted predictions by domain, in the order of the names.
    """

    accuracy: float
    min_confidence: float
    max_novelty: float
    domains: dict[str, DomainAcceptance]


def fit_acceptance(
    confidences: FloatArray,
    novelties: FloatArray,
    correct: BoolArray,
    domains: npt.NDArray[Any],
    accuracy: float,
    max_novelty: float,
) -> Acceptance:
    """Fit the lowest accepted confidence to a split.

    In every domain that can show it, at least the wanted share of the accepted predictions is
    correct, with the probability `LEVEL`. In the others, this share of the accepted predictions of
    the split is correct, which may be chance.

    Args:
        confidences: Probability of the predicted class, float [rows].
        novelties: Novelty of the pictures, float [rows].
        correct: Whether the prediction is correct, bool [rows].
        domains: Names of the domains, str [rows].
        accuracy: Wanted share of correct predictions, at least 0 and below 1.
        max_novelty: Greatest novelty of an accepted prediction.

    Example:
        >>> import numpy as np
        >>> from trainer_module.export.acceptance import fit_acceptance
        >>> confidences = np.linspace(1, 0.5, 200)
        >>> correct = confidences > 0.7  # every prediction above it, and none below
        >>> found = fit_acceptance(
        ...     confidences, np.zeros(200), correct, np.array(["day"] * 200), 0.95, 0.99
        ... )
        >>> found.domains["day"].is_shown, 0.65 < found.min_confidence < 0.7
        (True, True)
    """
    usual = novelties <= max_novelty
    limits = _limits(confidences[usual])
    names = sorted(map(str, set(domains)))
    paths = {}
    for name in names:
        rows = usual & (domains == name)
        paths[name] = _Path.along(limits, confidences[rows], correct[rows], accuracy)
    minimum = float(limits[position]) if (position := _loosest(paths)) is not None else NOTHING
    accepted = usual & (confidences >= minimum)
    return Acceptance(
        accuracy,
        minimum,
        max_novelty,
        {name: _count(domains == name, accepted, correct, accuracy) for name in names},
    )


def accuracy_lower_bound(correct: int, accepted: int) -> float:
    """Return the lower end of the interval of an accuracy, see `DomainAcceptance.accuracy_low`.

    Args:
        correct: Number of correct predictions.
        accepted: Number of predictions.
    """
    return float(betaincinv(correct, accepted - correct + 1, 1 - LEVEL)) if correct else 0.0


@dataclass(frozen=True)
class _Path:
    """What one domain has above every limit, from the strictest to the loosest.

    Attributes:
        shown: Whether the test says that the wanted share is correct, bool [limits].
        right: Whether the wanted share of the split is correct, bool [limits].
        power: Expected probability that the test says so, by the confidences, float64 [limits]; 0
            where there are too few accepted predictions, even if all are correct.
    """

    shown: BoolArray
    right: BoolArray
    power: Counts

    @classmethod
    def along(
        cls, limits: FloatArray, confidences: FloatArray, correct: BoolArray, accuracy: float
    ) -> "_Path":
        """Count the accepted predictions of a domain at every limit."""
        order = np.argsort(-confidences, kind="stable")
        errors = np.stack([~correct, 1 - confidences], axis=1)[order]  # found, and expected
        sums = np.concatenate([np.zeros((1, 2)), errors.cumsum(axis=0)])
        accepted = np.searchsorted(-confidences[order], -limits, side="right")
        wrong, expected = sums[accepted].T
        most = _most_errors(accepted, accuracy)
        share = np.clip(expected / np.maximum(accepted, 1), 0, 1)
        return cls(
            shown=wrong <= most,
            right=wrong <= (1 - accuracy) * accepted + 1e-9,
            power=np.where(most >= 0, bdtr(np.maximum(most, 0), accepted, share), 0.0),
        )


def _most_errors(accepted: npt.NDArray[np.int64], accuracy: float) -> Counts:
    """Return the most errors with which the test passes, by the number of accepted predictions.

    -1 stands for numbers with which it cannot pass. It passes if so few errors would have at most
    the probability `1 - LEVEL` with the wanted share.
    """
    fewest_failing: Counts = binom.ppf(1 - LEVEL, accepted, 1 - accuracy)
    return np.maximum(fewest_failing, 0) - 1


def _limits(confidences: FloatArray) -> FloatArray:
    """Return the limits to try, in descending order: halfway between neighbouring confidences.

    A confidence that serving computes with another rounding is then on the same side.
    """
    values = np.unique(confidences.astype(np.float64))
    if not len(values):
        return values
    lower = np.concatenate([[0.0], values[:-1]])
    between = ((values + lower) / 2)[::-1]
    positions = np.linspace(0, len(between) - 1, min(len(between), MAX_LIMITS)).round().astype(int)
    return between[positions]


def _loosest(paths: dict[str, _Path]) -> int | None:
    """Return the position of the loosest limit under which all domains have the wanted share.

    The test of the tested domains goes from their first limit to looser ones. If no domain is
    tested, the first limit is the strictest one, and the split alone decides.
    """
    tested, start = _first_test(paths)
    untested = [path.right for name, path in paths.items() if name not in tested]
    no_untested = np.ones(len(next(iter(paths.values())).right), bool)
    right = np.all(untested, axis=0) if untested else no_untested
    passed = np.all([path.shown for path in tested.values()], axis=0) if tested else right
    failed = np.flatnonzero(~passed[start:])
    end = start + int(failed[0]) if len(failed) else len(passed)
    found = np.flatnonzero(right[:end])
    return int(found[-1]) if len(found) else None


def _first_test(paths: dict[str, _Path]) -> tuple[dict[str, _Path], int]:
    """Return the domains that pass the test under its first limit, and the position of this limit.

    It is the limit under which the domain that is least likely to pass is most likely to.
    """
    tested = {name: path for name, path in paths.items() if path.power.max(initial=0) > 0}
    while tested:
        start = int(np.min([path.power for path in tested.values()], axis=0).argmax())
        passed = {name: path for name, path in tested.items() if path.shown[start]}
        if len(passed) == len(tested):
            return tested, start
        tested = passed
    return {}, 0


def _count(
    rows: BoolArray, accepted: BoolArray, correct: BoolArray, accuracy: float
) -> DomainAcceptance:
    num_accepted = int((rows & accepted).sum())
    num_correct = int((rows & accepted & correct).sum())
    low = accuracy_lower_bound(num_correct, num_accepted)
    return DomainAcceptance(int(rows.sum()), num_accepted, num_correct, low, low >= accuracy)

"""Simulated predictions of versions with known changes in accuracy, and the gate's decisions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.evaluation.gate.comparison import compare
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.metric_comparison import ScorePairs
from components.evaluation.gate.tested_pictures import TestedPictures
from components.evaluation.statistics.weighted_metric import Scores

#: Accuracy of the first version in the domains that it was trained on, and in a new domain.
KNOWN_ACCURACY, NEW_ACCURACY = 0.9, 0.7

#: Name of the domain that the first version was not trained on.
NEW_DOMAIN = "new"


@dataclass(frozen=True)
class Slice:
    """Test pictures of one class in one domain.

    Attributes:
        domain: Name of the domain.
        label: Name of the class.
        pictures: Number of test pictures.
        change: True change of the recall from the serving version to a candidate.
        sharpness: Factor of the logits of a candidate; above 1, it is too confident.
    """

    domain: str
    label: str
    pictures: int
    change: float = 0.0
    sharpness: float = 1.0


def domain_slices(
    domain: str, classes: int, pictures: int, change: float = 0.0, sharpness: float = 1.0
) -> tuple[Slice, ...]:
    """Divide the test pictures of a domain among its classes, as evenly as possible.

    Args:
        domain: Name of the domain.
        classes: Number of classes.
        pictures: Number of test pictures in the domain.
        change: See `Slice`; the same in every class.
        sharpness: See `Slice`; the same in every class.
    """
    return tuple(
        Slice(domain, f"class {number}", len(range(number, pictures, classes)), change, sharpness)
        for number in range(classes)
    )


def simulate_chain(
    slices: tuple[Slice, ...],
    share: float,
    steps: int,
    gate: GateOptions,
    rng: np.random.Generator,
) -> list[bool]:
    """Simulate a chain of candidates, and return which of them are pushed.

    Every candidate is made from the serving version. It turns `share` of all pictures from wrong to
    correct and as many from correct to wrong, at random, and besides these the true change. A
    pushed candidate is the next serving version, and the versions before it are kept.

    Args:
        slices: Test pictures and the true change of a step.
        share: Share of the pictures that a candidate gains, and that it loses, without a change.
        steps: Number of candidates.
        gate: Options of the gate.
        rng: Source of randomness.
    """
    counts = [one.pictures for one in slices]
    domains = np.repeat([one.domain for one in slices], counts)
    labels = np.repeat([one.label for one in slices], counts)
    change = np.repeat([one.change for one in slices], counts)
    # The true accuracy of the serving version on every picture, and whether it is correct.
    accuracy = np.where(domains == NEW_DOMAIN, NEW_ACCURACY, KNOWN_ACCURACY)
    serving = rng.random(len(accuracy)) < accuracy
    known = set(domains) - {NEW_DOMAIN}
    earlier = {1: serving.astype(np.int8)}
    confidences = _Confidences(labels, rng) if gate.metrics.gated else None
    scores = confidences.scores(serving) if confidences else None
    sharpness = np.repeat([one.sharpness for one in slices], counts)
    pushed = []
    for _ in range(steps):
        candidate = make_candidate(serving, accuracy, share, change, rng)
        version = len(earlier)
        pairs = None
        if confidences and scores:
            new_scores = confidences.scores(candidate, sharpness)
            pairs = ScorePairs(domains, scores, new_scores)
        split = TestedPictures(domains, labels, candidate, earlier, scores=pairs)
        table = compare(split, gate, version, known)
        pushed.append(all(row.passed for row in table.rows))
        if pushed[-1]:
            serving, accuracy = candidate, accuracy + change
            scores = pairs.after if pairs else None
            earlier = {**earlier, version + 1: serving.astype(np.int8)}
    return pushed


class _Confidences:
    """Confidence of all versions: about the same for a picture, and lower where they are wrong."""

    def __init__(self, labels: npt.NDArray[np.str_], rng: np.random.Generator) -> None:
        names, self._labels = np.unique(labels, return_inverse=True)
        self._rng = rng
        self._shared = rng.standard_normal(len(labels))
        # A class that the picture is mistaken for.
        other = rng.integers(1, len(names), len(labels))
        self._mistaken = (self._labels + other) % len(names)

    def scores(
        self, correct: npt.NDArray[np.bool_], sharpness: npt.NDArray[np.float64] | float = 1.0
    ) -> Scores:
        """Return the predictions of a version that is correct on some pictures."""
        own = 0.4 * self._rng.standard_normal(len(correct))
        logits = sharpness * (np.where(correct, 3.0, 1.0) + self._shared + own)
        confidence = np.maximum(1 / (1 + np.exp(-logits)), 0.3)
        predicted = np.where(correct, self._labels, self._mistaken)
        true_probability = np.where(correct, confidence, (1 - confidence) / 3)
        return Scores(self._labels, predicted, confidence, true_probability)


def make_candidate(
    correct: npt.NDArray[np.bool_],
    accuracy: npt.NDArray[np.float64],
    share: float,
    change: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Return where a candidate is correct.

    Args:
        correct: Whether the serving version is correct, [pictures].
        accuracy: True accuracy of the serving version, float [pictures].
        share: See `simulate_chain`.
        change: True change of the accuracy, float [pictures].
        rng: Source of randomness.
    """
    gained = (share + np.maximum(change, 0)) / (1 - accuracy)
    lost = (share + np.maximum(-change, 0)) / accuracy
    return (rng.random(len(correct)) < np.where(correct, lost, gained)) != correct

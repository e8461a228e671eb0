"""Which of several classifiers is best on the eval split, when the split is small."""

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from trainer_module.export.calibration import fit_temperature
from trainer_module.stages.scoring import Criterion, score

#: Rows added to those gained, and to those lost.
ADDED = 0.5


def pick_best(
    logits: Sequence[np.ndarray], targets: np.ndarray, domains: np.ndarray, criterion: Criterion
) -> int:
    """Position of the best classifier.

    The one with the best score is compared with every other on the same rows. Where the difference
    is within one standard error, accuracy cannot tell the two apart: of such classifiers the one
    that gives the truth the highest mean probability is taken, after a temperature of its own has
    taken out how sure it is in general. A domain of 18 rows in which a single answer changed
    decides nothing so. (Log loss would be no judge: it punishes what label smoothing does.)

    Args:
        logits: of each classifier, float32 [rows, classes]; the first wins a tie.
        targets: class ids, int32 [rows]; -1 for a class that none of them knows.
        domains: str [rows].
        criterion: what the score is.
    """
    right = [each.argmax(axis=-1) == targets for each in logits]
    scores = [score(each.argmax(axis=-1), targets, domains).by(criterion) for each in logits]
    top = int(np.argmax(scores))
    weights = _row_weights(right[top], domains, criterion)
    close = [
        place
        for place, value in enumerate(scores)
        if scores[top] - value <= _standard_error(right[top], right[place], domains, weights)
    ]
    trusted = [_truth_probability(logits[place], targets, weights) for place in close]
    return close[int(np.argmax(trusted))]


def _row_weights(right: np.ndarray, domains: np.ndarray, criterion: Criterion) -> np.ndarray:
    """What each row is in the score, float64 [rows] of sum 1."""
    if criterion == "overall":
        return np.full(len(domains), 1 / len(domains))
    names, place, counts = np.unique(domains.astype(str), return_inverse=True, return_counts=True)
    if criterion == "worst_domain":
        worst = np.argmin(np.bincount(place, right) / counts)
        return (place == worst) / counts[worst]
    return 1 / (len(names) * counts[place])


def _standard_error(
    first: np.ndarray, second: np.ndarray, domains: np.ndarray, weights: np.ndarray
) -> float:
    """Of the difference of two scores on the same rows, from who is right, bool [rows] each.

    Half a row is added to those gained and to those lost in every domain (Agresti and Min, 2005):
    one answer is then never more than chance.
    """
    differs, variance = first != second, 0.0
    for domain in set(domains):
        own = domains == domain
        variance += float(np.square(weights[own]).mean() * (differs[own].sum() + 2 * ADDED))
    return float(np.sqrt(variance))


def _truth_probability(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """Weighted mean over the rows; a class that is not known has no probability."""
    probabilities = softmax(logits / fit_temperature(logits, targets), axis=1)
    truth = probabilities[np.arange(len(targets)), targets]
    return float(np.where(targets >= 0, truth, 0) @ weights)

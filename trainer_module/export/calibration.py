"""How far confidence can be trusted: calibration error, and the temperature that lowers it.

Method and measure are those of "On Calibration of Modern Neural Networks" (Guo et al., 2017, arXiv
1706.04599): section 4.2 for the temperature, section 2 for the error.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from trainer_module.contract.errors import InputError

#: Equally wide bins of confidence.
BINS = 15

#: Least and largest temperature.
BOUNDS = (0.05, 20.0)


@dataclass(frozen=True)
class DomainCalibration:
    """Expected calibration error of a domain, without and with the temperature."""

    ece_before: float
    ece_after: float


@dataclass(frozen=True)
class Calibration:
    """What makes the confidence of a classifier honest, and how honest it was and is.

    Attributes:
        temperature: that logits are divided by.
        domains: in name order.
    """

    temperature: float
    domains: dict[str, DomainCalibration]


def calibrate(logits: np.ndarray, targets: np.ndarray, domains: np.ndarray) -> Calibration:
    """Fit a temperature to a split, and measure what it does to every domain.

    Args:
        logits: float32 [rows, classes].
        targets: class ids, int32 [rows]; -1 for a class that the model does not know.
        domains: str [rows].

    Raises:
        InputError: a logit is infinite or not a number.
    """
    if not np.isfinite(logits).all():
        raise InputError(
            "training diverged: the classifier's answers are not finite. Lower "
            "frozen.learning_rate and fine_tuning.learning_rate."
        )
    temperature = fit_temperature(logits, targets)
    before, after = softmax(logits, axis=1), softmax(logits / temperature, axis=1)
    measured = {}
    for domain in sorted(set(domains)):
        rows = domains == domain
        measured[str(domain)] = DomainCalibration(
            ece_before=expected_calibration_error(before[rows], targets[rows]),
            ece_after=expected_calibration_error(after[rows], targets[rows]),
        )
    return Calibration(temperature, measured)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature under which a split's true classes are most probable.

    Where the split says little, the answer stays near 1: the logarithm of the temperature has a
    standard normal prior, which weighs about as much as one row. Without it the answer for a split
    without an error would be the lower bound, however few its rows are.

    Args:
        logits: float32 [rows, classes].
        targets: class ids, int32 [rows]; rows with -1 are left out.

    Returns:
        A number within `BOUNDS`; 1 where there is nothing to learn from: no rows, or one class.
    """
    known = targets >= 0
    logits, targets = logits[known], targets[known]
    rows = np.arange(len(targets))

    def cost(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.float32(np.exp(log_temperature)), axis=1)
        return log_temperature**2 / 2 - log_probabilities[rows, targets].sum(dtype=np.float64)

    return float(np.exp(minimize_scalar(cost, bounds=np.log(BOUNDS), method="bounded").x))


def confidences(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probability of the answer to every row, float [rows], from logits [rows, classes]."""
    return softmax(logits / temperature, axis=1).max(axis=1)


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over bins of confidence.

    Args:
        probabilities: float [rows, classes], of one row at least.
        targets: class ids, int32 [rows]; a class that the model does not know, -1, is wrong.
    """
    correct = probabilities.argmax(axis=1) == targets
    return error_of_bins(calibration_bins(probabilities.max(axis=1), correct))


def calibration_bins(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Sort answers by confidence; bins of several workers add up.

    Args:
        confidence: probability of the answer, float [rows].
        correct: bool [rows].

    Returns:
        Per bin the rows, their summed confidence and how many are correct, float64 [BINS, 3].
    """
    confidence = confidence.astype(np.float64)
    positions = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    columns = (np.ones(len(confidence)), confidence, correct)
    sums = [np.bincount(positions, weights=column, minlength=BINS) for column in columns]
    return np.stack(sums, axis=1)


def error_of_bins(bins: np.ndarray) -> float:
    """Expected calibration error from what `calibration_bins` counted."""
    rows, confidence, correct = bins.T
    return float(np.abs(confidence - correct).sum() / rows.sum())

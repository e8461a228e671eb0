"""Measures the calibration of a classifier, and fits the temperature that improves it.

Method and measure are those of "On Calibration of Modern Neural Networks" (Guo et al., 2017, arXiv
1706.04599): section 4.2 for the temperature, section 2 for the calibration error.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from trainer_module.contract.errors import InputError

#: Number of equally wide bins of confidence.
BINS = 15

#: Least and greatest temperature.
BOUNDS = (0.05, 20.0)

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class DomainCalibration:
    """Expected calibration error of one domain.

    Attributes:
        ece_before: Error of the softmax of the logits.
        ece_after: Error of the softmax of the logits divided by the temperature.
    """

    ece_before: float
    ece_after: float


@dataclass(frozen=True)
class Calibration:
    """Temperature of a classifier, and its effect on every domain.

    Attributes:
        temperature: Number by which logits are divided before the softmax.
        domains: Calibration errors by domain, in the order of the names.
    """

    temperature: float
    domains: dict[str, DomainCalibration]


def calibrate(logits: FloatArray, targets: IntArray, domains: npt.NDArray[Any]) -> Calibration:
    """Fit the temperature to a split, and measure the calibration of every domain.

    Args:
        logits: Logits, float32 [rows, classes].
        targets: Class ids, int32 [rows]; -1 for a class that the model does not know.
        domains: Names of the domains, str [rows].

    Raises:
        InputError: A logit is infinite or not a number.
    """
    if not np.isfinite(logits).all():
        raise InputError(
            "training diverged: the classifier's outputs are not finite. Lower "
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


def fit_temperature(logits: FloatArray, targets: IntArray) -> float:
    """Return the temperature under which the true classes of a split are most probable.

    The logarithm of the temperature has a standard normal prior, which weighs about as much as one
    row, so that a small split gives a temperature near 1. Without the prior, every split without an
    error would give the lower bound, however few rows it has.

    Args:
        logits: Logits, float32 [rows, classes].
        targets: Class ids, int32 [rows]; rows with -1 are left out.

    Returns:
        A number within `BOUNDS`; 1 if there are no rows or only one class.

    Example:
        >>> import numpy as np
        >>> from trainer_module.export.calibration import fit_temperature
        >>> logits = np.array([[4.0, 0.0]] * 4, np.float32)
        >>> fit_temperature(logits, np.array([0, 0, 0, 1])) > 1  # 3 of 4 correct, at 98 %
        True
    """
    known = targets >= 0
    logits, targets = logits[known], targets[known]
    rows = np.arange(len(targets))

    def cost(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / np.float32(np.exp(log_temperature)), axis=1)
        likelihood = log_probabilities[rows, targets].sum(dtype=np.float64)
        negative_log_posterior: float = log_temperature**2 / 2 - likelihood
        return negative_log_posterior

    return float(np.exp(minimize_scalar(cost, bounds=np.log(BOUNDS), method="bounded").x))


def confidences(logits: FloatArray, temperature: float) -> FloatArray:
    """Return the probability of the top class of every row, float [rows].

    Args:
        logits: Logits, float32 [rows, classes].
        temperature: Number by which logits are divided before the softmax.
    """
    top: FloatArray = softmax(logits / temperature, axis=1).max(axis=1)
    return top


def expected_calibration_error(probabilities: FloatArray, targets: IntArray) -> float:
    """Return the mean difference between confidence and accuracy over bins of confidence.

    Args:
        probabilities: Probabilities, float [rows, classes], of at least one row.
        targets: Class ids, int32 [rows]; -1 for a class that the model does not know, whose rows
            count as wrong.

    Example:
        >>> import numpy as np
        >>> from trainer_module.export.calibration import expected_calibration_error
        >>> confident = np.array([[0.9, 0.1]] * 4)
        >>> round(expected_calibration_error(confident, np.array([0, 0, 0, 1])), 2)
        0.15
    """
    correct = probabilities.argmax(axis=1) == targets
    return error_of_bins(calibration_bins(probabilities.max(axis=1), correct))


def calibration_bins(confidence: FloatArray, correct: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Sort predictions into bins of confidence; bins of several workers can be added.

    Args:
        confidence: Probability of the predicted class, float [rows].
        correct: Whether the prediction is correct, bool [rows].

    Returns:
        Number of rows, sum of their confidence and number of correct rows, float64 [BINS, 3].
    """
    confidence = confidence.astype(np.float64)
    positions = bin_positions(confidence)
    columns = (np.ones(len(confidence)), confidence, correct)
    sums = [np.bincount(positions, weights=column, minlength=BINS) for column in columns]
    return np.stack(sums, axis=1)


def bin_positions(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the number of every prediction's bin, 0 to `BINS - 1`.

    Args:
        confidence: Probability of the predicted class, float64 [rows].
    """
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def error_of_bins(bins: npt.NDArray[np.float64]) -> float:
    """Return the expected calibration error of bins.

    Args:
        bins: Sums of `calibration_bins`, float64 [BINS, 3].
    """
    rows, confidence, correct = bins.T
    return float(np.abs(confidence - correct).sum() / rows.sum())

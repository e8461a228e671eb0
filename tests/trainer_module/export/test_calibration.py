from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from trainer_module.contract.errors import InputError
from trainer_module.export.calibration import (
    BINS,
    BOUNDS,
    calibrate,
    calibration_bins,
    error_of_bins,
    expected_calibration_error,
    fit_temperature,
)


def calibrated_logits(rows: int, classes: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose probabilities are true: every target is drawn by them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (rows, classes)).astype(np.float32)
    chosen = rng.random((rows, 1)) > softmax(logits, axis=1).cumsum(axis=1)
    return logits, np.minimum(chosen.sum(axis=1), classes - 1).astype(np.int32)


def separated_logits(rows: int, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Two classes and no error; the true one is ahead by a gap."""
    targets = np.arange(rows, dtype=np.int32) % 2
    return np.float32(gap) * np.eye(2, dtype=np.float32)[targets], targets


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_factor_on_calibrated_logits_is_the_temperature(factor):
    logits, targets = calibrated_logits(20_000)
    assert fit_temperature(np.float32(factor) * logits, targets) == pytest.approx(factor, rel=0.03)


def test_no_other_temperature_makes_the_true_classes_more_probable():
    logits, targets = calibrated_logits(2_000, seed=1)
    logits *= 3

    def loss(temperature: float) -> float:
        return -log_softmax(logits / temperature, axis=1)[np.arange(2_000), targets].mean()

    found = fit_temperature(logits, targets)
    grid = np.geomspace(*BOUNDS, 200)
    assert loss(found) <= min(map(loss, grid)) + 1e-5


def test_rows_of_an_unknown_class_are_left_out():
    logits, targets = calibrated_logits(200)
    unknown = np.full(300, -1, np.int32)
    both = np.concatenate([logits, np.full((300, 5), 7, np.float32)])
    expected = fit_temperature(logits, targets)
    assert fit_temperature(both, np.concatenate([targets, unknown])) == expected


@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        (np.zeros((0, 3), np.float32), np.zeros(0, np.int32)),
        (np.full((4, 3), 9, np.float32), np.full(4, -1, np.int32)),
        (np.full((4, 1), 9, np.float32), np.zeros(4, np.int32)),
        (np.zeros((4, 3), np.float32), np.zeros(4, np.int32)),
    ],
    ids=["no rows", "unknown classes alone", "one class", "nothing said"],
)
def test_without_rows_or_with_one_class_the_temperature_is_one(logits, targets):
    assert fit_temperature(logits, targets) == pytest.approx(1, abs=1e-4)


def test_without_an_error_confidence_grows_with_the_number_of_rows():
    confidences = []
    for rows in (2, 20, 2_000):
        logits, targets = separated_logits(rows, gap=2)
        temperature = fit_temperature(logits, targets)
        assert BOUNDS[0] < temperature < 1
        confidences.append(softmax(logits[0] / temperature).max())
    assert confidences == sorted(confidences)
    assert confidences[0] < 0.95
    assert confidences[2] > 0.999


def test_the_temperature_stays_within_its_bounds():
    logits, targets = separated_logits(1_000, gap=1e-2)
    assert fit_temperature(logits, targets) == pytest.approx(BOUNDS[0], rel=1e-3)
    logits, targets = separated_logits(1_000, gap=1e4)
    assert fit_temperature(logits, 1 - targets) == pytest.approx(BOUNDS[1], rel=1e-3)


def test_calibration_error_is_the_difference_of_confidence_and_accuracy_per_bin():
    # Bins are 1/15 wide: 0.95 and 0.96 share one, in which one of two is right; 0.6 is alone.
    probabilities = np.array([[0.95, 0.05], [0.96, 0.04], [0.4, 0.6]], np.float32)
    targets = np.array([0, 1, 1], np.int32)
    expected = (abs(0.95 + 0.96 - 1) + abs(0.6 - 1)) / 3
    assert expected_calibration_error(probabilities, targets) == pytest.approx(expected)


def test_an_unknown_class_counts_as_a_wrong_prediction():
    probabilities = np.array([[0.2, 0.8]], np.float32)
    assert expected_calibration_error(probabilities, np.array([-1])) == pytest.approx(0.8)


def test_a_correct_prediction_with_confidence_one_is_perfectly_calibrated():
    assert expected_calibration_error(np.array([[0.0, 1.0]]), np.array([1])) == 0.0


def test_bins_of_two_parts_add_up_to_those_of_the_whole():
    confidence, correct = np.linspace(0, 1, 40), np.arange(40) % 3 == 0
    whole = calibration_bins(confidence, correct)
    parts = calibration_bins(confidence[:7], correct[:7]) + calibration_bins(
        confidence[7:], correct[7:]
    )
    assert whole.shape == (BINS, 3)
    np.testing.assert_allclose(parts, whole)
    assert error_of_bins(parts) == pytest.approx(error_of_bins(whole))


def test_calibration_lowers_the_error_of_every_domain_of_an_overconfident_model():
    logits, targets = calibrated_logits(4_000)
    domains = np.array(["night", "day"] * 2_000)
    calibration = calibrate(5 * logits, targets, domains)
    assert calibration.temperature == pytest.approx(5, rel=0.1)
    assert list(calibration.domains) == ["day", "night"]
    for domain in calibration.domains.values():
        assert domain.ece_before > 0.2
        assert domain.ece_after < 0.05


def test_every_domain_is_measured_on_its_own_rows():
    right, wrong = np.array([[0.0, 9.0]], np.float32), np.array([[9.0, 0.0]], np.float32)
    logits, targets = np.concatenate([right, wrong]), np.array([1, 1], np.int32)
    calibration = calibrate(logits, targets, np.array(["a", "b"]))
    assert calibration.domains["a"].ece_before == pytest.approx(0, abs=1e-3)
    assert calibration.domains["b"].ece_before == pytest.approx(1, abs=1e-3)
    confidence = softmax(logits[0] / calibration.temperature).max()
    assert asdict(calibration)["domains"]["b"]["ece_after"] == pytest.approx(confidence)


def test_logits_that_are_not_finite_are_refused_with_advice():
    logits = np.array([[np.nan, 1.0]], np.float32)
    with pytest.raises(InputError, match="Lower frozen"):
        calibrate(logits, np.array([0]), np.array(["day"]))

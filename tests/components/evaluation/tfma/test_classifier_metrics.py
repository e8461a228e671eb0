import math

import numpy as np
import pytest

from components.evaluation.statistics.weighted_metric import (
    SMALLEST_PROBABILITY,
    MacroF1,
    Scores,
)
from components.evaluation.tfma.classifier_metrics import (
    METRIC_FUNCTIONS,
    Totals,
    accuracy,
    expected_calibration_error,
    log_loss,
    macro_f1,
)
from trainer_module.export import calibration

pytestmark = pytest.mark.component

#: True class id and probabilities; -1 is a class that the model does not know.
PICTURES = (
    (0, (0.9, 0.05, 0.05)),  # correct
    (0, (0.2, 0.7, 0.1)),  # predicted as 1
    (1, (0.1, 0.8, 0.1)),  # correct
    (-1, (0.6, 0.3, 0.1)),  # predicted as 0
)


def totals(pictures: tuple[tuple[int, tuple[float, ...]], ...]) -> Totals:
    counted = Totals()
    for label, probabilities in pictures:
        counted.add(label, np.array(probabilities))
    return counted


def test_accuracy_is_the_share_of_correct_predictions_and_an_unknown_class_is_wrong():
    assert accuracy(totals(PICTURES)) == 0.5
    assert accuracy(totals(PICTURES[3:])) == 0.0


def test_macro_f1_is_the_mean_over_the_classes_of_the_pictures():
    # Class 0: two true, two predicted, one correct: 2/4. Class 1: one true, two predicted, one
    # correct: 2/3. The unknown class: never predicted: 0. Class 2 has no pictures: left out.
    assert macro_f1(totals(PICTURES)) == pytest.approx((2 / 4 + 2 / 3 + 0) / 3)


def test_the_gate_measures_the_same_macro_f1():
    labels, predicted = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
    pictures = tuple(zip(labels.tolist(), np.eye(3)[predicted], strict=True))
    gated = MacroF1(Scores(labels, predicted, np.ones(5), np.ones(5))).values(np.ones((5, 1)))
    assert gated.item() == pytest.approx(macro_f1(totals(pictures)))


def test_log_loss_is_the_mean_in_nats_and_an_unknown_class_has_no_probability():
    expected = [0.9, 0.2, 0.8, SMALLEST_PROBABILITY]
    mean = -sum(map(math.log, expected)) / 4
    assert log_loss(totals(PICTURES)) == pytest.approx(mean)


def test_a_probability_of_zero_costs_a_bounded_amount():
    assert log_loss(totals(((1, (1.0, 0.0)),))) == pytest.approx(-math.log(1e-7))


def test_calibration_error_is_the_distance_of_confidence_and_accuracy_per_bin():
    # Bins are 1/15 wide: 0.9, 0.7, 0.8 and 0.6 are alone in theirs.
    expected = (0.1 + 0.7 + 0.2 + 0.6) / 4
    assert expected_calibration_error(totals(PICTURES)) == pytest.approx(expected)


def test_calibration_error_is_the_same_as_in_the_trainer():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 200).astype(np.float32)
    targets = rng.integers(-1, 4, 200)
    counted = totals(tuple(zip(targets, probabilities, strict=True)))
    expected = calibration.expected_calibration_error(probabilities, targets)
    assert expected_calibration_error(counted) == pytest.approx(expected)


def test_pictures_of_one_bin_are_compared_together():
    # 0.95 and 0.96, one correct and one wrong: |0.95 + 0.96 - 1| / 2.
    pictures = ((0, (0.95, 0.05)), (1, (0.96, 0.04)))
    assert expected_calibration_error(totals(pictures)) == pytest.approx(0.455)


def test_full_confidence_and_correct_is_perfectly_calibrated():
    assert expected_calibration_error(totals(((1, (0.0, 1.0)),))) == 0.0


@pytest.mark.parametrize("name", METRIC_FUNCTIONS)
def test_totals_of_two_workers_add_up_to_those_of_one(name):
    merged = totals(PICTURES[:1])
    merged.merge(totals(PICTURES[1:]))
    assert merged.pictures == 4
    assert METRIC_FUNCTIONS[name](merged) == pytest.approx(METRIC_FUNCTIONS[name](totals(PICTURES)))


def test_merging_leaves_the_other_totals_unchanged():
    first, second = totals(PICTURES[:2]), totals(PICTURES[2:])
    first.merge(second)
    first.add(0, np.array([1.0, 0.0, 0.0]))
    assert second.pictures == 2
    assert second.bins[:, 0].sum() == 2

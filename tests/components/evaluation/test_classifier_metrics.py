import math

import numpy as np
import pytest

from components.evaluation.classifier_metrics import (
    DERIVED,
    SMALLEST_PROBABILITY,
    Tally,
    accuracy,
    expected_calibration_error,
    log_loss,
    macro_f1,
)
from trainer_module.export import calibration

#: True class id and probabilities; -1 is a class that the model does not know.
PICTURES = (
    (0, (0.9, 0.05, 0.05)),  # right
    (0, (0.2, 0.7, 0.1)),  # taken for 1
    (1, (0.1, 0.8, 0.1)),  # right
    (-1, (0.6, 0.3, 0.1)),  # taken for 0
)


def tally(pictures: tuple[tuple[int, tuple[float, ...]], ...]) -> Tally:
    counted = Tally()
    for label, probabilities in pictures:
        counted.add(label, np.array(probabilities))
    return counted


def test_accuracy_is_the_share_that_is_right_and_an_unknown_class_is_wrong():
    assert accuracy(tally(PICTURES)) == 0.5
    assert accuracy(tally(PICTURES[3:])) == 0.0


def test_macro_f1_is_the_mean_over_the_classes_of_the_pictures():
    # Class 0: two true, two taken for it, one right: 2/4. Class 1: one true, two taken, one
    # right: 2/3. The unknown class: never taken for it: 0. Class 2 has no pictures: left out.
    assert macro_f1(tally(PICTURES)) == pytest.approx((2 / 4 + 2 / 3 + 0) / 3)


def test_log_loss_is_the_mean_in_nats_and_an_unknown_class_has_no_probability():
    expected = [0.9, 0.2, 0.8, SMALLEST_PROBABILITY]
    mean = -sum(map(math.log, expected)) / 4
    assert log_loss(tally(PICTURES)) == pytest.approx(mean)


def test_a_probability_of_zero_costs_a_bounded_amount():
    assert log_loss(tally(((1, (1.0, 0.0)),))) == pytest.approx(-math.log(1e-7))


def test_calibration_error_is_the_distance_of_confidence_and_accuracy_per_bin():
    # Bins are 1/15 wide: 0.9, 0.7, 0.8 and 0.6 are alone in theirs.
    expected = (0.1 + 0.7 + 0.2 + 0.6) / 4
    assert expected_calibration_error(tally(PICTURES)) == pytest.approx(expected)


def test_calibration_error_is_the_one_of_the_trainer():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 200).astype(np.float32)
    targets = rng.integers(-1, 4, 200)
    counted = tally(tuple(zip(targets, probabilities, strict=True)))
    expected = calibration.expected_calibration_error(probabilities, targets)
    assert expected_calibration_error(counted) == pytest.approx(expected)


def test_pictures_of_one_bin_are_compared_together():
    # 0.95 and 0.96, one right and one wrong: |0.95 + 0.96 - 1| / 2.
    pictures = ((0, (0.95, 0.05)), (1, (0.96, 0.04)))
    assert expected_calibration_error(tally(pictures)) == pytest.approx(0.455)


def test_certain_and_right_is_perfectly_calibrated():
    assert expected_calibration_error(tally(((1, (0.0, 1.0)),))) == 0.0


@pytest.mark.parametrize("name", DERIVED)
def test_tallies_of_two_workers_add_up_to_that_of_one(name):
    merged = tally(PICTURES[:1])
    merged.merge(tally(PICTURES[1:]))
    assert merged.pictures == 4
    assert DERIVED[name](merged) == pytest.approx(DERIVED[name](tally(PICTURES)))


def test_merging_leaves_the_other_tally_as_it_was():
    first, second = tally(PICTURES[:2]), tally(PICTURES[2:])
    first.merge(second)
    first.add(0, np.array([1.0, 0.0, 0.0]))
    assert second.pictures == 2
    assert second.bins[:, 0].sum() == 2

import math

import numpy as np
import pytest

from components.evaluation.statistics.detectable_loss import (
    LEAST_GAIN,
    needed_pictures,
    smallest_detectable_loss,
)
from components.evaluation.statistics.paired_counts import PairCounts, loss_p_value

GAINED = 0.02


def noticed_share(pictures: int, loss: float, level: float) -> float:
    """Share of simulated candidates with this true loss whose p-value is at the level."""
    rng = np.random.default_rng(pictures)
    cells = [GAINED, GAINED + loss, 1 - 2 * GAINED - loss]
    pairs, times = np.unique(
        rng.multinomial(pictures, cells, size=3000)[:, :2], axis=0, return_counts=True
    )
    is_noticed = [
        loss_p_value(PairCounts(pictures, int(gained), int(lost))) <= level
        for gained, lost in pairs
    ]
    return float(times @ is_noticed / times.sum())


@pytest.mark.parametrize("level", [0.05, 0.05 / 20])
@pytest.mark.parametrize("pictures", [50, 200, 1000])
def test_the_smallest_loss_is_noticed_about_as_often_as_it_says(pictures, level):
    loss = smallest_detectable_loss(pictures, GAINED, level)
    assert 0.7 <= noticed_share(pictures, loss, level) <= 0.9
    assert noticed_share(pictures, loss / 2, level) < 0.6


def test_the_number_of_pictures_is_that_of_connors_formula():
    # Losses 0.15, gains 0.05: (1.645 * sqrt(0.2) + 0.842 * sqrt(0.2 - 0.01))**2 / 0.01.
    expected = (1.6449 * math.sqrt(0.2) + 0.8416 * math.sqrt(0.19)) ** 2 / 0.01
    assert needed_pictures(0.1, 0.05, 0.05) == pytest.approx(expected, rel=1e-3)


def test_the_two_functions_are_the_inverses_of_each_other():
    loss = smallest_detectable_loss(300, 0.03, 0.01)
    assert needed_pictures(loss, 0.03, 0.01) == pytest.approx(300, rel=0.01)


def test_where_no_picture_changed_for_the_better_a_few_are_assumed():
    assert needed_pictures(0.1, 0.0, 0.05) == needed_pictures(0.1, LEAST_GAIN, 0.05)


def test_more_pictures_notice_smaller_losses_and_a_stricter_level_larger_ones():
    losses = [smallest_detectable_loss(pictures, 0.03, 0.05) for pictures in (10, 50, 500, 5000)]
    assert losses == sorted(losses, reverse=True)
    assert smallest_detectable_loss(50, 0.03, 0.001) > losses[1]


def test_three_pictures_notice_nothing():
    # Three losses without a gain have the p-value 1 / 16.
    assert smallest_detectable_loss(3, 0.0, 0.05) == 1.0


def test_no_number_of_pictures_is_enough_for_a_loss_of_zero():
    assert needed_pictures(0.0, 0.03, 0.05) == math.inf

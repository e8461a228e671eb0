import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binomtest

from components.evaluation.statistics.paired_counts import (
    PairCounts,
    accuracy_before,
    gain_p_value,
    interval,
    loss_p_value,
    smallest_p_value,
)


def test_the_interval_is_the_adjusted_wald_interval():
    # 10 gained and 30 lost of 198, half a picture added to each of four cells: n = 200.
    low, high = interval(PairCounts(198, 10, 30), confidence=0.95)
    change = (10.5 - 30.5) / 200
    error = math.sqrt((41 / 200 - change**2) / 200)
    assert low == pytest.approx(change - 1.96 * error, abs=1e-4)
    assert high == pytest.approx(change + 1.96 * error, abs=1e-4)


def test_a_loss_on_few_pictures_is_not_certain():
    assert interval(PairCounts(5, 0, 2), 0.9)[1] > 0
    assert interval(PairCounts(500, 0, 200), 0.9)[1] < -0.3


def test_without_any_difference_the_interval_still_has_a_width():
    low, high = interval(PairCounts(10), 0.9)
    assert low == -high < 0


@pytest.mark.parametrize("pictures", [15, 60, 250])
def test_the_intervals_cover_the_true_change_as_often_as_their_confidence_says(pictures):
    rng = np.random.default_rng(3)
    gained, lost, _ = rng.multinomial(pictures, [0.05, 0.12, 0.83], size=4000).T
    ends = [
        interval(PairCounts(pictures, int(up), int(down)), 0.9)
        for up, down in zip(gained, lost, strict=True)
    ]
    covered = np.mean([low <= -0.07 <= high for low, high in ends])
    assert covered > 0.88


def test_more_confidence_widens_the_interval():
    narrow, wide = (interval(PairCounts(100, 5, 10), share) for share in (0.5, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    assert narrow[1] - narrow[0] == pytest.approx(
        (wide[1] - wide[0]) * NormalDist().inv_cdf(0.75) / NormalDist().inv_cdf(0.995)
    )


def test_counts_of_workers_add_up():
    assert PairCounts(3, 1, 0, 1).merge(PairCounts(4, 0, 2, 3)) == PairCounts(7, 1, 2, 4)


def test_the_accuracy_before_counts_lost_pictures_and_not_gained_ones():
    # 8 of 10 are correct now. Of these 3 are gained, and 1 that is wrong now was correct.
    assert accuracy_before(PairCounts(10, gained=3, lost=1, wrong=2)) == pytest.approx(0.6)
    assert math.isnan(accuracy_before(PairCounts()))


@pytest.mark.parametrize(
    ("lost", "gained", "two_sided"), [(7, 1, 0.039), (16, 6, 0.0347)], ids=["airway", "response"]
)
def test_the_p_value_is_that_of_the_examples_of_fagerland_and_others(lost, gained, two_sided):
    counts = PairCounts(200, gained, lost)
    assert 2 * loss_p_value(counts) == pytest.approx(two_sided, abs=5e-4)


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (0, 5), (5, 0), (3, 3), (20, 9), (400, 350)])
def test_half_the_probability_of_the_observed_count_is_left_out_of_the_exact_p_value(lost, gained):
    total, exact = lost + gained, 1.0
    observed = math.comb(total, lost) / 2**total
    if total:
        exact = binomtest(lost, total, 0.5, alternative="greater").pvalue
    assert loss_p_value(PairCounts(1000, gained, lost)) == pytest.approx(exact - observed / 2)


def test_a_gain_is_a_loss_with_the_models_exchanged():
    assert gain_p_value(PairCounts(50, gained=7, lost=2)) == loss_p_value(PairCounts(50, 2, 7))
    assert gain_p_value(PairCounts(50)) == 0.5


def test_the_smallest_p_value_is_that_of_losses_only():
    assert smallest_p_value(PairCounts(90, gained=2, lost=3)) == 1 / 64
    assert smallest_p_value(PairCounts(90, gained=2, lost=3)) == loss_p_value(PairCounts(90, 0, 5))

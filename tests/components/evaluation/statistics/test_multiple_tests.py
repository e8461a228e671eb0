import numpy as np
import pytest

from components.evaluation.statistics.multiple_tests import common_level, first_level
from components.evaluation.statistics.paired_counts import (
    PairCounts,
    loss_p_value,
    smallest_p_value,
)

TINY = 1e-9


def test_the_levels_are_those_of_holm():
    # 0.05 / 4 rejects the first; 0.05 / 3 does not reject the second, so that Holm stops.
    p_values = [0.03, 0.02, 0.01, 0.5]
    assert common_level(p_values, [TINY] * 4, 0.05) == pytest.approx(0.05 / 3)
    # Bonferroni's 0.0125 would leave the second and the third.
    assert common_level([0.012, 0.014, 0.02, 0.5], [TINY] * 4, 0.05) == 0.05


def test_a_single_test_and_none_have_the_whole_error_rate():
    assert common_level([0.2], [TINY], 0.05) == 0.05
    assert common_level([], [], 0.05) == 0.05


def test_where_all_are_rejected_the_level_is_the_whole_error_rate():
    assert common_level([0.01, 0.02], [TINY] * 2, 0.05) == 0.05


def test_tests_that_cannot_reject_do_not_count():
    # A hundred classes with one changed picture each, and two with enough of them.
    smallest = [0.25] * 100 + [0.001] * 2
    assert first_level(smallest, 0.05) == 0.025
    assert common_level([0.25] * 100 + [0.02, 0.3], smallest, 0.05) == 0.05
    assert first_level([TINY] * 102, 0.05) == pytest.approx(0.05 / 102)


def test_a_proven_loss_does_not_let_classes_be_rejected_that_could_not_be_before():
    # Four losses and no gain happen by chance in every sixteenth class, and there are 20 classes.
    chance = loss_p_value(PairCounts(30, gained=0, lost=4))
    assert chance == 1 / 32
    level = common_level([0.0001, *[chance] * 20], [0.0001, *[chance] * 20], 0.05)
    assert level < chance


@pytest.mark.parametrize("changed", [0.01, 0.04, 0.08])
def test_equal_models_are_rarely_rejected_in_any_domain_or_class(changed):
    rng = np.random.default_rng(22)
    trials, rejected = 400, 0
    for _ in range(trials):
        classes = rng.multinomial(40, [changed, changed, 1 - 2 * changed], size=(4, 7))
        pairs = [
            PairCounts(int(sum(cells)), int(cells[0]), int(cells[1]))
            for cells in (*classes.reshape(-1, 3), *classes.sum(axis=1))
        ]
        p_values = [loss_p_value(counts) for counts in pairs]
        level = common_level(p_values, [smallest_p_value(counts) for counts in pairs], 0.05)
        rejected += min(p_values) <= level
    assert rejected / trials <= 0.05

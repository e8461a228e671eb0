import math

import pytest

from components.evaluation.statistics.paired_counts import PairCounts, interval
from components.evaluation.tfma.paired_change import (
    BEFORE,
    GAINED,
    HIGH,
    LOW,
    METRIC_FUNCTIONS,
    NOT_WORSE,
    POSSIBLE_LOSS,
    PROVEN_LOSS,
    metric_name,
)

pytestmark = pytest.mark.component

#: 8 of 10 are correct now; 9 of 10 were.
COUNTS = PairCounts(10, gained=1, lost=2, wrong=2)


def value(name: str, counts: PairCounts = COUNTS, level: float = 0.05) -> float:
    return METRIC_FUNCTIONS[name](counts, 0.9, level)


def test_the_metrics_are_those_of_the_counts():
    low, high = interval(COUNTS, 0.9)
    assert value(BEFORE) == pytest.approx(0.9)
    assert (value(LOW), value(HIGH)) == (low, high)
    assert value(POSSIBLE_LOSS) == -low > 0


def test_a_loss_that_is_not_proven_is_none():
    # Two losses and one gain: P(X > 2) + P(X = 2) / 2 = 1/8 + 3/16.
    assert value(PROVEN_LOSS, level=0.31) == 0.0
    assert value(PROVEN_LOSS, level=0.32) == value(POSSIBLE_LOSS)


def test_gained_is_one_where_a_gain_is_as_certain_as_wanted():
    assert METRIC_FUNCTIONS[GAINED](PairCounts(10, gained=2, wrong=1), 0.8, 0.0) == 1.0
    assert METRIC_FUNCTIONS[GAINED](PairCounts(10, gained=2, wrong=1), 0.9, 0.0) == 0.0


def test_not_worse_is_zero_where_a_loss_is_as_certain_as_a_gain_must_be():
    assert METRIC_FUNCTIONS[NOT_WORSE](PairCounts(10, lost=2, wrong=2), 0.8, 0.0) == 0.0
    assert METRIC_FUNCTIONS[NOT_WORSE](PairCounts(10, lost=2, wrong=2), 0.9, 0.0) == 1.0
    assert METRIC_FUNCTIONS[NOT_WORSE](PairCounts(), 0.8, 0.0) == 1.0


def test_a_slice_without_comparable_pictures_has_no_loss():
    assert math.isnan(value(BEFORE, PairCounts()))
    assert value(PROVEN_LOSS, PairCounts()) == 0.0


def test_a_metric_is_named_after_the_version_that_it_compares_with():
    assert metric_name(LOW, "best") == "change_low_best"

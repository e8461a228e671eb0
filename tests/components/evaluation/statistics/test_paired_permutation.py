from itertools import product

import numpy as np
import pytest
from planted_scores import planted_pair

from components.evaluation.statistics.metric_change import make_metric
from components.evaluation.statistics.paired_permutation import (
    ENOUGH,
    permutation_p_value,
    smallest_permutation_p_value,
)
from components.evaluation.statistics.weighted_metric import Scores


def p_value(name: str, before: Scores, after: Scores, sign: float, draws: int = 5000) -> float:
    exchange = make_metric(name, before, 0.9).exchange(make_metric(name, after, 0.9))
    return permutation_p_value(exchange, len(before.labels), sign, draws, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["macro_f1", "log_loss", "recall_at_precision"])
def test_the_p_value_is_the_share_of_all_exchanges_with_a_loss_as_large(name):
    before, after = planted_pair(10, seed=0, classes=2)
    exchange = make_metric(name, before, 0.9).exchange(make_metric(name, after, 0.9))
    every = np.array([*product((False, True), repeat=10)]).T
    for sign in (1.0, -1.0):
        old, new = exchange(every)
        losses = sign * (old - new)
        share = np.mean(losses >= losses[0] - 1e-9)
        assert p_value(name, before, after, sign) == pytest.approx(share, rel=0.35)


def lost(pictures: int) -> tuple[Scores, Scores]:
    """Pictures that the earlier model classifies correctly, and the candidate does not."""
    labels = np.zeros(pictures, int)
    ones = np.ones(pictures)
    return Scores(labels, labels, ones, ones), Scores(labels, labels + 1, ones, 1 - ones)


def test_of_few_draws_none_shows_a_large_loss():
    before, after = lost(30)
    assert p_value("log_loss", before, after, -1.0, draws=99) == 1 / 100
    assert p_value("log_loss", after, before, -1.0, draws=99) > 0.5


def test_equal_models_have_a_p_value_of_one():
    before, _ = planted_pair(30, seed=1)
    assert p_value("calibration_error", before, before, -1.0) == 1.0


def test_few_draws_are_enough_to_see_that_nothing_is_lost():
    drawn = []
    before, after = planted_pair(400, seed=2)
    exchange = make_metric("log_loss", before, 0.9).exchange(make_metric("log_loss", after, 0.9))

    def counting(is_exchanged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drawn.append(is_exchanged.shape[1])
        return exchange(is_exchanged)

    found = permutation_p_value(counting, 400, -1.0, 1_000_000, np.random.default_rng(0))
    assert found > 0.05
    assert sum(drawn) < 2 * ENOUGH / found + 1000


def test_no_p_value_is_below_the_bound():
    before, after = lost(5)
    assert smallest_permutation_p_value(before, after, draws=999) == 0.5**5
    assert smallest_permutation_p_value(*lost(30), draws=999) == 1 / 1000
    assert smallest_permutation_p_value(before, before, draws=999) == 1.0
    assert p_value("log_loss", before, after, -1.0) >= 0.8 * 0.5**5

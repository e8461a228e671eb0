"""Divergences of distributions, and the part that sampling error explains."""

from math import log

import numpy as np
import pytest
from tiny_distributions import sample

from components.data_gate.statistics.distributions import (
    Distribution,
    compare_classes,
    compare_numeric,
    is_detectable,
    leave_one_out,
)

LIMIT = 0.1


#: Kinds of distributions: constant, a few sizes, uniform, and with a long tail.
SOURCES = {
    "constant": lambda random, n: np.full(n, 227.0),
    "sizes": lambda random, n: random.choice(
        [333.0, 375.0, 500.0, 640.0], n, p=[0.1, 0.2, 0.6, 0.1]
    ),
    "even": lambda random, n: random.random(n),
    "long tail": lambda random, n: random.lognormal(0, 2, n),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("n", "m"), [(30, 30), (100, 30), (400, 400)])
def test_two_samples_of_one_source_never_differ_in_200_draws(source, n, m):
    random = np.random.default_rng(0)
    draws = (
        compare_numeric(sample(SOURCES[source](random, n)), sample(SOURCES[source](random, m)))
        for _ in range(200)
    )
    assert not any(divergence.exceeds(LIMIT) for divergence in draws)


def test_samples_of_one_source_diverge_as_much_as_theory_says():
    random = np.random.default_rng(0)
    distances = [
        compare_numeric(sample(random.random(100)), sample(random.random(100))).distance
        for _ in range(500)
    ]
    assert np.mean(distances) == pytest.approx(5 * (2 / 100) / (8 * log(2)), rel=0.1)


def test_pictures_darkened_to_40_percent_are_always_found():
    random = np.random.default_rng(0)
    for _ in range(200):
        light, dark = random.beta(5, 5, 30), 0.4 * random.beta(5, 5, 30)
        assert compare_numeric(sample(light), sample(dark)).exceeds(LIMIT)


@pytest.mark.parametrize(("other", "distance"), [(227.0, 0), (500.0, 1)])
def test_constants_are_the_same_or_have_nothing_in_common(other, distance):
    divergence = compare_numeric(sample(np.full(50, 227.0)), sample(np.full(50, other)))
    assert divergence.distance == pytest.approx(distance)
    assert divergence.exceeds(LIMIT) == bool(distance)


def test_a_value_of_some_pictures_counts_by_their_share():
    sizes = np.full(1000, 500.0)
    mixed = np.where(np.arange(1000) < 400, 375.0, 500.0)
    # Half of: 1 * log2(1 / 0.8) + 0.4 * log2(0.4 / 0.2) + 0.6 * log2(0.6 / 0.8)
    expected = (np.log2(1 / 0.8) + 0.4 + 0.6 * np.log2(0.6 / 0.8)) / 2
    assert compare_numeric(sample(sizes), sample(mixed)).distance == pytest.approx(expected)


def test_in_leave_one_out_distributions_every_picture_has_the_same_weight():
    parts = [sample(np.full(30, 1.0)), sample(np.full(10, 5.0)), sample(np.full(20, 9.0))]
    others = leave_one_out(parts)
    assert [part.count for part in others] == [30, 50, 40]
    assert [part.median for part in others] == [9, 1, 1]
    assert others[1].quantiles([0.1, 0.9]).tolist() == [1, 9]
    assert others[0].cdf(np.array([1.0, 5.0, 9.0])).tolist() == pytest.approx([0, 1 / 3, 1])


def test_leave_one_out_distributions_of_many_domains_are_on_a_grid():
    random = np.random.default_rng(0)
    *rest, last = (sample(random.random(100)) for _ in range(300))
    others = leave_one_out([*rest, last])[-1]
    assert len(others.shares) == 200
    points = np.array([0.1, 0.5, 0.9])
    expected = np.mean([part.cdf(points) for part in rest], axis=0)
    assert others.cdf(points) == pytest.approx(expected, abs=0.001)


def test_between_bucket_boundaries_a_distribution_is_uniform():
    part = Distribution(np.array([0.0, 2.0]), np.array([2.0, 2.0]), np.array([0.5, 0.5]), 10)
    assert part.cdf(np.array([-1.0, 1.0, 1.9, 2.0])).tolist() == [0, 0.25, 0.475, 1]


def test_classes_are_compared_by_their_shares():
    assert compare_classes({"cat": 100, "dog": 100}, {"cat": 10, "dog": 10}).distance == 0
    apart = compare_classes({"cat": 100}, {"dog": 100})
    assert apart.distance == pytest.approx(1)
    assert apart.exceeds(LIMIT)


def test_a_thousand_classes_of_three_pictures_each_do_not_differ_by_chance():
    random = np.random.default_rng(0)
    for _ in range(20):
        draws = (np.bincount(random.integers(0, 1000, 3000)) for _ in range(2))
        first, second = (
            dict(zip(map(str, range(1000)), row.tolist(), strict=False)) for row in draws
        )
        assert not compare_classes(first, second).exceeds(LIMIT)


@pytest.mark.parametrize(("n", "possible"), [(8, False), (9, True)])
def test_in_a_handful_of_pictures_no_difference_is_detectable(n, possible):
    assert is_detectable(n, n, LIMIT) == possible
    small, large = np.arange(n, dtype=float), 100 + np.arange(n, dtype=float)
    apart = compare_numeric(sample(small), sample(large))
    assert apart.distance == pytest.approx(1)
    assert apart.exceeds(LIMIT) == possible

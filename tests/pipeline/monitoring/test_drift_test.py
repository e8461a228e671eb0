"""The test for pictures that are unlike every known domain, on simulated embeddings."""

import numpy as np
import pytest

from pipeline.monitoring.drift_classifier import DriftClassifier, growth
from pipeline.monitoring.drift_test import FALSE_ALARMS, DriftTest, bet
from pipeline.monitoring.known_pictures import KnownPictures
from trainer_module.export.reference_embeddings import Reference

DIM, DOMAINS, CLASSES, PER_GROUP = 24, ("day", "fog"), ("car", "cat", "dog"), 40


class World:
    """Groups of known pictures, and pictures that are in none of them."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._means = self._rng.normal(0, 1, (len(DOMAINS), len(CLASSES), DIM))
        self._shift = np.eye(DIM)[0] * 4
        names = [(d, c) for d in range(len(DOMAINS)) for c in range(len(CLASSES))] * PER_GROUP
        reference = Reference(
            np.concatenate([self._draw(d, c, 1) for d, c in names]),
            np.ones(len(names)),
            np.array([DOMAINS[d] for d, _ in names]),
            np.array([CLASSES[c] for _, c in names]),
        )
        known = KnownPictures.of_reference(reference)
        assert known is not None
        self.known = known

    def stream(self, count: int, new: int = 0) -> np.ndarray:
        """Known pictures of a random mixture with random class balances, and new ones after."""
        mixture = self._rng.dirichlet([0.5] * len(DOMAINS) * len(CLASSES))
        groups = self._rng.choice(len(mixture), count, p=mixture)
        rows = [self._draw(*divmod(group, len(CLASSES)), 1) for group in groups]
        rows += [self._draw(0, number % 3, 1) + self._shift for number in range(new)]
        return self.known.project(np.concatenate(rows))

    def _draw(self, domain: int, label: int, count: int) -> np.ndarray:
        return self._means[domain, label] * 3 + self._rng.normal(0, 1, (count, DIM))


def test_a_stream_of_known_pictures_in_any_mixture_raises_no_alarm():
    alarms = 0
    for seed in range(10):
        world, test = World(seed), DriftTest()
        test.add(world.known, world.stream(1_000))
        alarms += test.alarm is not None
    assert not alarms


@pytest.mark.parametrize("before", [0, 130, 1_000])
def test_new_pictures_raise_an_alarm_soon(before):
    world, test = World(3), DriftTest()
    test.add(world.known, world.stream(before, new=200))
    assert test.alarm is not None
    assert before < test.alarm <= before + 100


def test_one_half_of_new_pictures_raises_an_alarm():
    world, test = World(4), DriftTest()
    both = [world.stream(400), world.stream(0, new=400)]
    test.add(world.known, np.stack(both, axis=1).reshape(-1, both[0].shape[1]))
    assert test.alarm is not None


def test_pictures_that_arrive_in_parts_give_the_same_as_all_at_once():
    world = World(5)
    points = world.stream(500, new=150)
    at_once, in_parts = DriftTest(), DriftTest()
    at_once.add(world.known, points)
    for part in np.split(points, [1, 24, 25, 26, 180, 333]):
        in_parts.add(world.known, part)
    assert in_parts.alarm == at_once.alarm is not None
    assert in_parts.wealth == at_once.wealth
    np.testing.assert_array_equal(in_parts.recent, at_once.recent)


def test_the_wealth_of_bets_rarely_grows_if_pictures_are_chosen_as_often_as_known_ones():
    """Ville's inequality, with uniform p-values in place of scores."""
    rng = np.random.default_rng(6)
    known_share = 0.2
    classifier = DriftClassifier(np.ones((2, 1)), np.zeros(2), 1 - known_share, 0.6, known_share)
    runs = 2_000
    reached = 0
    for _ in range(runs):
        wealth = np.cumprod(bet(classifier, rng.uniform(size=(500, 1))))
        reached += wealth.max() >= 1 / FALSE_ALARMS
    assert 0 < reached <= runs * FALSE_ALARMS * 1.5
    grown = np.log(bet(classifier, np.r_[np.ones(600), np.zeros(400)][:, None])).mean()
    assert grown == pytest.approx(growth(0.6, 0.2))

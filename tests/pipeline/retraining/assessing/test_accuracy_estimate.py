"""The estimate of an accuracy without labels, on confidences whose meaning is known."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.retraining.assessing.accuracy_estimate import (
    MIN_TESTED,
    KnownConfidences,
    thresholded,
)

RNG = np.random.default_rng(7)


def known(counts: dict[str, int], accuracy: float = 0.8) -> KnownConfidences:
    """Test pictures whose most confident predictions are the correct ones."""
    domains = np.repeat(np.array([*counts], object), [*counts.values()])
    confidences = RNG.random(len(domains)).astype(np.float32)
    return KnownConfidences(domains, confidences, confidences > 1 - accuracy)


def test_pictures_of_the_same_kind_have_the_accuracy_of_the_test_pictures_within_the_interval():
    new = RNG.random(400).astype(np.float32)
    estimate = known({"day": 500}).estimate("day", new)
    assert estimate is not None
    assert estimate.accuracy == pytest.approx(np.mean(new > 0.2), abs=0.03)
    assert estimate.low < estimate.accuracy < estimate.high


def test_less_confident_pictures_have_a_lower_estimate_than_their_mean_confidence_tells():
    tested = known({"day": 500}, accuracy=0.5)
    estimate = tested.estimate("day", (RNG.random(400) * 0.6).astype(np.float32))
    assert estimate is not None
    assert estimate.accuracy == pytest.approx(1 / 6, abs=0.05)


def test_a_domain_with_few_test_pictures_uses_those_of_all_domains():
    tested = KnownConfidences(
        np.array(["day"] * 100 + ["fog"] * (MIN_TESTED - 1), object),
        np.r_[np.full(100, 0.9), np.full(MIN_TESTED - 1, 0.5)].astype(np.float32),
        np.r_[np.ones(100), np.zeros(MIN_TESTED - 1)].astype(bool),
    )
    sure = np.full(20, 0.9, np.float32)
    for domain in ("fog", "new"):
        estimate = tested.estimate(domain, sure)
        assert estimate is not None
        assert estimate.accuracy == 1
        unsure = tested.estimate(domain, np.full(20, 0.5, np.float32))
        assert unsure is not None
        assert unsure.accuracy == 0


@pytest.mark.parametrize(("tested", "pictures"), [(MIN_TESTED - 1, 20), (MIN_TESTED, 9)])
def test_nothing_is_estimated_from_too_few_pictures(tested, pictures):
    assert known({"day": tested}).estimate("day", np.full(pictures, 0.5, np.float32)) is None


def test_where_every_prediction_was_wrong_the_estimate_is_zero():
    nothing = np.zeros(3, bool)
    assert thresholded(np.array([0.1, 0.2, 0.9], np.float32), nothing, np.array([1.0])) == 0


def all_right(tested):
    """Confidences of a version that classifies all of its test pictures correctly."""
    return replace(known({"day": tested}), correct=np.ones(tested, bool))


@pytest.mark.parametrize(
    ("tested", "count", "note"),
    [
        (known({"day": 500}), 20, ""),
        (known({"day": 30}), 20, "no estimate, as the version has 30 test pictures, fewer than 50"),
        (all_right(1), 20, "no estimate, as the version has 1 test picture, fewer than 50"),
        (known({"day": 500}), 9, "no estimate for fewer than 10 pictures"),
        (all_right(60), 20, "rather too low, as all 60 test pictures are classified correctly"),
    ],
)
def test_why_there_is_no_estimate_or_no_good_one_is_said(tested, count, note):
    said = tested.estimate_note("fog", count)
    assert said.startswith(note)
    assert bool(said) == bool(note)
    has_estimate = tested.estimate("fog", np.full(count, 0.9, np.float32)) is not None
    assert has_estimate == (not said.startswith("no estimate"))

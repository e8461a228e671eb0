import numpy as np
import pytest

from trainer_module.export.acceptance import (
    LEVEL,
    NOTHING,
    accuracy_lower_bound,
    fit_acceptance,
)


def fit(confidences, correct, domains, accuracy=0.95, novelties=None):
    novelties = np.zeros(len(confidences)) if novelties is None else novelties
    arrays = (np.asarray(confidences, float), novelties, np.asarray(correct, bool))
    return fit_acceptance(*arrays, np.asarray(domains, object), accuracy, 0.99)


def calibrated(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and predictions that are correct as often as they say."""
    rng = np.random.default_rng(seed)
    confidences = 1 - rng.beta(0.4, 3, count)
    return confidences, rng.random(count) < confidences


def test_a_domain_keeps_the_wanted_share_as_often_as_the_level_says():
    truth, truly_correct = calibrated(200_000, seed=1)
    num_shown = num_broken = 0
    for seed in range(100):
        found = fit(*calibrated(200, seed + 2), ["day"] * 200)
        if found.domains["day"].is_shown:
            num_shown += 1
            num_broken += truly_correct[truth >= found.min_confidence].mean() < 0.95
    assert num_shown > 80
    assert num_broken / 100 <= 1 - LEVEL


def test_the_domain_with_more_errors_decides_on_the_limit():
    confidences = np.tile(np.linspace(1, 0.5, 200), 2)
    errors = {"day": 0.6, "night": 0.8}  # all predictions below are wrong
    domains = np.repeat(list(errors), 200)
    correct = confidences > np.array([errors[name] for name in domains])
    found = fit(confidences, correct, domains)
    assert 0.77 < found.min_confidence < 0.8
    for domain in found.domains.values():
        assert domain.is_shown
        assert domain.accuracy_low >= 0.95
    assert found.domains["day"].correct == found.domains["day"].accepted


def test_a_small_domain_shows_nothing_and_still_moves_the_limit_above_its_errors():
    many, few = np.linspace(1, 0.5, 200), np.linspace(0.99, 0.6, 10)
    confidences = np.concatenate([many, few])
    correct = np.concatenate([many > 0.7, few > 0.9])
    found = fit(confidences, correct, ["day"] * 200 + ["night"] * 10)
    assert found.domains["day"].is_shown
    small = found.domains["night"]
    assert (small.pictures, small.accepted, small.correct, small.is_shown) == (10, 3, 3, False)


def test_with_small_domains_alone_accepted_predictions_of_the_split_have_the_wanted_share():
    confidences = np.linspace(0.99, 0.6, 10)
    found = fit(confidences, confidences > 0.8, ["day"] * 10)
    assert found.domains["day"].accepted == found.domains["day"].correct == 5
    assert not found.domains["day"].is_shown


@pytest.mark.parametrize("size", [10, 200])
def test_nothing_is_accepted_where_the_most_confident_predictions_are_wrong(size):
    found = fit(np.linspace(0.99, 0.6, size), np.zeros(size), ["day"] * size)
    assert found.min_confidence == NOTHING
    assert found.domains["day"].accepted == 0


def test_novel_pictures_are_not_accepted_and_do_not_count():
    confidences, novelties = np.full(200, 0.9), np.repeat([0.5, 1.0], 100)
    found = fit(confidences, novelties < 0.9, ["day"] * 200, novelties=novelties)
    assert found.domains["day"].accepted == found.domains["day"].correct == 100
    assert found.domains["day"].pictures == 200


def test_without_a_usual_picture_nothing_is_accepted():
    found = fit([0.9, 0.8], [True, True], ["day", "day"], novelties=np.ones(2))
    assert found.min_confidence == NOTHING


def test_the_lower_bound_is_exact_where_all_predictions_are_correct():
    assert accuracy_lower_bound(45, 45) == pytest.approx((1 - LEVEL) ** (1 / 45))
    assert accuracy_lower_bound(0, 0) == 0.0

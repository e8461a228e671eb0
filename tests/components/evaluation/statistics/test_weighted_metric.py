import numpy as np
import pytest
from planted_scores import planted_pair

from components.evaluation.statistics.metric_change import NAMES, make_metric
from components.evaluation.statistics.weighted_metric import (
    LOWER_IS_BETTER,
    SMALLEST_PROBABILITY,
    CalibrationError,
    LogLoss,
    Scores,
)
from trainer_module.export.calibration import calibration_bins, error_of_bins

#: A metric that counts once per picture.
EQUAL = np.ones((60, 1))


def value(name: str, scores: Scores) -> float:
    return make_metric(name, scores, 0.9).values(np.ones((len(scores.labels), 1))).item()


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_of_two_is_the_same_picture_twice(name):
    scores, _ = planted_pair(60, seed=0)
    weights = np.random.default_rng(1).integers(0, 3, (60, 4))
    for values, column in zip(
        make_metric(name, scores, 0.9).values(weights.astype(float)), weights.T, strict=True
    ):
        assert values == pytest.approx(value(name, scores.take(np.repeat(np.arange(60), column))))


@pytest.mark.parametrize("name", NAMES)
def test_an_exchange_gives_the_metrics_of_exchanged_predictions(name):
    before, after = planted_pair(60, seed=2, after=0.5)
    is_exchanged = np.random.default_rng(3).integers(0, 2, (60, 5), dtype=bool)
    is_exchanged[:, 0] = False
    exchange = make_metric(name, before, 0.9).exchange(make_metric(name, after, 0.9))
    both = Scores(
        *(
            np.concatenate([getattr(before, field), getattr(after, field)])
            for field in ("labels", "predicted", "confidence", "true_probability")
        )
    )
    for old, new, column in zip(*exchange(is_exchanged), is_exchanged.T, strict=True):
        rows = np.arange(60) + 60 * column
        assert old == pytest.approx(value(name, both.take(rows)))
        assert new == pytest.approx(value(name, both.take((rows + 60) % 120)))


def test_a_class_that_no_picture_has_is_wrong_and_has_no_f1_score():
    labels = np.array([0, 0, 2])
    for other in (-1, 1, 3):
        scores = Scores(labels, np.array([0, other, other]), np.ones(3), np.ones(3))
        # Class 0: two true, one predicted, one correct: 2/3. Class 2: never predicted: 0.
        assert value("macro_f1", scores) == pytest.approx((2 / 3 + 0) / 2)


def test_calibration_error_is_that_of_the_trainer():
    scores, _ = planted_pair(60, seed=5)
    bins = calibration_bins(scores.confidence, scores.correct)
    assert CalibrationError(scores).values(EQUAL).item() == pytest.approx(error_of_bins(bins))


def test_log_loss_is_the_mean_in_nats_and_bounded():
    scores = Scores(np.zeros(2, int), np.zeros(2, int), np.ones(2), np.array([0.0, 0.5]))
    expected = -(np.log(SMALLEST_PROBABILITY) + np.log(0.5)) / 2
    assert LogLoss(scores).values(np.ones((2, 1))).item() == pytest.approx(expected)


def test_some_metrics_are_better_when_lower():
    assert set(NAMES) > LOWER_IS_BETTER

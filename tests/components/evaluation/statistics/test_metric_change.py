import numpy as np
import pytest
from planted_scores import planted_pair

from components.evaluation.statistics.metric_change import NAMES, MetricChange, measure_changes
from components.evaluation.statistics.paired_permutation import permutation_p_value
from components.evaluation.statistics.weighted_metric import CalibrationError, Scores


def changes(before: Scores, after: Scores, draws: int = 1000) -> dict[str, MetricChange]:
    found = measure_changes(NAMES, before, after, precision=0.9, draws=draws, largest=0.05)
    return {one.metric: one for one in found}


def test_the_order_of_the_pictures_does_not_matter():
    before, after = planted_pair(100, seed=0, after=0.6)
    order = np.random.default_rng(0).permutation(100)
    assert changes(before.take(order), after.take(order)) == changes(before, after)


def test_a_model_that_is_too_confident_loses_calibration_and_log_loss_alone():
    before, after = planted_pair(600, seed=1, after=0.3)
    found = changes(before, after)
    p_values = {name: one.p_value for name, one in found.items()}
    assert p_values["log_loss"] < 0.01
    assert p_values["calibration_error"] < 0.01
    assert p_values["macro_f1"] > 0.05
    assert found["log_loss"].after > found["log_loss"].before


def test_a_loss_is_a_fall_of_what_is_better_when_higher():
    before, after = planted_pair(300, seed=2)
    wrong = np.where(np.arange(300) % 4, after.predicted, (after.labels + 1) % 5)
    worse = Scores(after.labels, wrong, after.confidence, after.true_probability)
    lost, gained = changes(before, worse), changes(worse, before)
    for name in ("macro_f1", "recall_at_precision"):
        assert lost[name].p_value < 0.01 < 0.95 < gained[name].p_value
        assert lost[name].error == pytest.approx(gained[name].error, rel=0.1)


def test_equal_errors_of_calibration_in_opposite_directions_are_no_proof_of_a_loss():
    # Of 89 % correct predictions, one model says 87 %, the other 93 %, which is the same bin. An
    # exchange mixes them to models without either fault: the difference that chance makes here
    # seems impossible to a permutation test.
    labels = np.zeros(400, int)
    predicted = (np.arange(400) >= 356).astype(int)
    before, after = (
        Scores(labels, predicted, np.full(400, confidence), np.full(400, 0.9))
        for confidence in (0.87, 0.931)
    )
    exchange = CalibrationError(before).exchange(CalibrationError(after))
    assert permutation_p_value(exchange, 400, -1.0, 1000, np.random.default_rng(0)) < 0.01
    assert changes(before, after)["calibration_error"].p_value > 0.05

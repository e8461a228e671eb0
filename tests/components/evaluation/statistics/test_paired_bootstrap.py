import numpy as np
import pytest
from planted_scores import planted_pair

from components.evaluation.statistics.metric_change import make_metric
from components.evaluation.statistics.paired_bootstrap import bootstrap_errors
from components.evaluation.statistics.weighted_metric import LogLoss, Scores


def errors(before: Scores, after: Scores, *names: str) -> list[float]:
    pairs = [(make_metric(name, before, 0.9), make_metric(name, after, 0.9)) for name in names]
    return bootstrap_errors(pairs, before.labels, np.random.default_rng(0))


@pytest.mark.parametrize("classes", [2, 30])
def test_the_error_of_a_mean_is_that_of_the_formula_for_strata(classes):
    before, after = planted_pair(90, seed=0, classes=classes)
    losses = np.log(before.true_probability) - np.log(after.true_probability)
    own = [losses[before.labels == label] for label in range(classes)]
    expected = np.sqrt(sum(len(one) * one.var(ddof=1) for one in own)) / 90
    [found] = errors(before, after, "log_loss")
    assert found == pytest.approx(expected, rel=0.08)


def test_both_models_are_measured_on_the_same_samples():
    before, _ = planted_pair(50, seed=1)
    assert errors(before, before, "macro_f1", "recall_at_precision") == [0.0, 0.0]


def test_every_metric_has_its_own_error():
    before, after = planted_pair(50, seed=2)
    found = errors(before, after, "log_loss", "macro_f1")
    assert found[0] != found[1]
    assert found == pytest.approx(
        [*errors(before, after, "log_loss"), *errors(before, after, "macro_f1")]
    )


def test_classes_with_one_picture_each_keep_it():
    before, after = planted_pair(6, seed=3, classes=6)
    pair = (LogLoss(before), LogLoss(after))
    [error] = bootstrap_errors([pair], before.labels, np.random.default_rng(0))
    assert error == pytest.approx(0.0, abs=1e-12)

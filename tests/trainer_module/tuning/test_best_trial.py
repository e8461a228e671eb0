import numpy as np
import pytest

from trainer_module.tuning.best_trial import EvalRows, select_trial, standard_errors

pytestmark = pytest.mark.component

ROWS = 100


def logits(correct: int, confidence: float = 1.0) -> np.ndarray:
    """Logits of two classes that predict class 0 for the first rows, and class 1 for the rest."""
    right = np.arange(ROWS) < correct
    return np.where(right[:, None], [confidence, 0.0], [0.0, confidence]).astype(np.float32)


@pytest.fixture(name="rows")
def _rows() -> EvalRows:
    domains = np.array(["day", "night"] * (ROWS // 2), object)
    return EvalRows(np.zeros(ROWS, np.int32), domains, "mean_domain")


def test_a_trial_that_gains_many_rows_is_selected(rows):
    assert select_trial(logits(70), [logits(72), logits(95), logits(60)], rows) == 1


def test_a_trial_that_gains_one_row_is_not(rows):
    assert select_trial(logits(70), [logits(71)], rows) is None


def test_what_is_enough_for_one_trial_is_chance_among_twenty(rows):
    better = logits(74)  # 4 rows, with a standard error of about 2.4
    assert select_trial(logits(70), [better], rows) == 0
    assert select_trial(logits(70), [better, *[logits(69)] * 19], rows) is None


def test_nothing_is_better_where_there_is_nothing_else(rows):
    assert select_trial(logits(70), [], rows) is None


def test_logits_that_are_not_numbers_are_never_selected(rows):
    broken = logits(95)
    broken[0] = np.nan
    assert select_trial(logits(70), [broken, logits(90)], rows) == 1


def test_one_trial_needs_one_standard_error_and_more_need_more():
    assert standard_errors(1) == pytest.approx(1)
    assert standard_errors(20) == pytest.approx(2.38, abs=0.02)

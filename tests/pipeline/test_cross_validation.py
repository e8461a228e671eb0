"""Metrics of `carryover crossval`; the command itself is tested in tests/end_to_end."""

import pytest

from pipeline.cross_validation import CrossValidation, _summarise, _table
from trainer_module.leave_one_domain_out import Fold

pytestmark = pytest.mark.component


def fold(domain: str, seed: int, frozen: float, accuracy: float) -> Fold:
    return Fold(domain, seed, 10, frozen, accuracy, "fine_tuned", 1.0)


@pytest.fixture(name="result")
def _result() -> CrossValidation:
    folds = [
        *(fold("day", 1, 0.5, 0.6), fold("night", 1, 0.3, 0.4)),
        *(fold("day", 2, 0.5, 0.8), fold("night", 2, 0.3, 0.4)),
    ]
    return _summarise(folds, {"seed": 1}, {"total": 4.0})


def test_a_domain_has_the_mean_and_the_standard_deviation_of_its_seeds(result):
    day = result.domains["day"]
    assert day.accuracy == [0.6, 0.8]
    assert day.mean_accuracy == pytest.approx(0.7)
    assert day.spread == pytest.approx(0.1)
    assert result.domains["night"].spread == 0


def test_the_spread_of_the_mean_is_that_of_the_means_of_the_seeds(result):
    assert result.seeds == [1, 2]
    assert result.mean.accuracy == pytest.approx([0.5, 0.6])
    assert result.mean.mean_accuracy == pytest.approx(0.55)
    assert result.mean.spread == pytest.approx(0.05)


def test_the_table_shows_every_domain_and_the_mean(result):
    columns = [list(column.cells) for column in _table(result).columns]
    assert columns[0] == ["day", "night", "mean"]
    assert columns[2] == ["0.500", "0.300", "0.400"]
    assert columns[4] == ["0.100", "0.000", "0.050"]

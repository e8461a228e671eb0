import numpy as np
import pytest
from planted_scores import planted_pair

from components.evaluation.gate.comparison import compare
from components.evaluation.gate.gate_options import GateOptions, MetricLimits
from components.evaluation.gate.gate_table import ACCURACY, GateRow, GateTable
from components.evaluation.gate.metric_comparison import ScorePairs
from components.evaluation.gate.tested_pictures import TestedPictures
from components.evaluation.statistics.metric_change import NAMES
from components.evaluation.statistics.weighted_metric import Scores

SERVING = 7


def gate_table(
    pairs: dict[str, tuple[Scores, Scores]], known: tuple[str, ...] = ("day",), **gate: object
) -> GateTable:
    """Compare a candidate with the serving version.

    Args:
        pairs: Predictions of both versions by domain.
        known: Domains that the serving version was trained on.
        gate: Options of the gate.
    """
    domains = np.concatenate([[name] * len(one.labels) for name, (one, _) in pairs.items()])
    before, after = (
        Scores(
            *(
                np.concatenate([getattr(pair[version], field) for pair in pairs.values()])
                for field in ("labels", "predicted", "confidence", "true_probability")
            )
        )
        for version in (0, 1)
    )
    split = TestedPictures(
        domains.astype(object),
        before.labels.astype(str).astype(object),
        after.correct,
        {SERVING: before.correct.astype(np.int8)},
        scores=ScorePairs(domains.astype(object), before, after),
    )
    return compare(split, GateOptions(**gate), SERVING, known)


def only_row(table: GateTable) -> GateRow:
    [row] = table.metric_rows
    return row


def test_every_metric_of_the_options_can_be_measured():
    assert set(MetricLimits.model_fields) == set(NAMES)


def test_without_limits_no_metric_is_tested():
    table = gate_table({"day": planted_pair(50, seed=0)})
    assert {row.metric for row in table.rows} == {ACCURACY}
    assert table.num_tests == 6


def test_a_proven_loss_beyond_the_limit_fails_and_one_within_it_passes():
    pair = planted_pair(400, seed=1, after=0.3)
    row = only_row(gate_table({"day": pair}, metrics={"log_loss": 0.05}))
    assert (row.domain, row.metric, row.label, row.version) == ("day", "log_loss", None, SERVING)
    assert row.after - row.before == pytest.approx((row.change_low + row.change_high) / 2)
    assert row.possible_loss == row.change_high > 0.05
    assert not row.passed
    assert only_row(gate_table({"day": pair}, metrics={"log_loss": 1.0})).passed


def test_a_gain_passes_a_limit_of_zero():
    before, after = planted_pair(400, seed=1, after=0.3)
    row = only_row(gate_table({"day": (after, before)}, metrics={"log_loss": 0.0}))
    assert row.change_high < 0
    assert row.passed
    assert row.needed_pictures is None


def test_a_loss_that_is_not_proven_fails_only_where_none_may_be_possible():
    pair = planted_pair(40, seed=4)
    assert only_row(gate_table({"day": pair}, metrics={"log_loss": 0.02})).passed
    strict = gate_table({"day": pair}, metrics={"log_loss": 0.02}, mode="no_possible_loss")
    assert not only_row(strict).passed
    large = gate_table({"day": pair}, metrics={"log_loss": 2.0}, mode="no_possible_loss")
    assert only_row(large).passed


@pytest.mark.parametrize("metric", ["macro_f1", "recall_at_precision"])
def test_a_few_pictures_without_a_change_rule_no_loss_out(metric):
    options = {"metrics": {metric: 0.05}, "mode": "no_possible_loss"}
    few, _ = planted_pair(20, seed=3)
    row = only_row(gate_table({"day": (few, few)}, **options))
    assert row.before == row.after
    assert row.change_low < -0.05
    assert not row.passed
    many, _ = planted_pair(400, seed=3)
    assert only_row(gate_table({"day": (many, many)}, **options)).passed


def test_metrics_are_tested_in_known_domains_and_share_the_level_with_all_tests():
    pairs = {name: planted_pair(100, seed) for seed, name in enumerate(("day", "night", "new"))}
    limits = {"log_loss": 0.1, "macro_f1": 0.1}
    known = ("day", "night", "without pictures")
    table = gate_table(pairs, known, metrics=limits)
    assert [(row.domain, row.metric) for row in table.metric_rows] == [
        ("day", "macro_f1"),
        ("day", "log_loss"),
        ("night", "macro_f1"),
        ("night", "log_loss"),
    ]
    others = gate_table(pairs, known)
    assert table.num_tests == others.num_tests + 4
    assert table.level < others.level


def test_the_precision_is_that_of_the_options():
    pair = planted_pair(200, seed=4)
    low, high = (
        only_row(gate_table({"day": pair}, metrics={"recall_at_precision": 0.1}, precision=value))
        for value in (0.9, 0.99)
    )
    assert low.after > high.after


def test_the_table_tells_which_loss_of_a_metric_the_gate_can_see():
    few, many = (
        only_row(gate_table({"day": planted_pair(count, seed=5)}, metrics={"log_loss": 0.05}))
        for count in (60, 2000)
    )
    assert few.detectable_loss > 0.05 > many.detectable_loss
    assert few.needed_pictures > 60
    assert many.needed_pictures < 2000

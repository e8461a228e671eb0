"""Results of the domains of a real evaluation."""

import math

import pytest
from tiny_evaluation import BASELINE_VERSION

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import read_gate_table
from pipeline.summary.domain_results import read_domain_results

pytestmark = pytest.mark.component


def test_a_gated_metric_has_its_own_result_beside_the_accuracy(rejected):
    uri = rejected.evaluation.uri
    domains = read_domain_results(uri, GateOptions(), BASELINE_VERSION)
    rows = {row.domain: row for row in read_gate_table(uri).metric_rows}
    assert set(rows) == {"day", "night"}
    for name, row in rows.items():
        assert set(domains[name].metrics) == {"log_loss"}
        result = domains[name].metrics["log_loss"]
        # The log losses of day are 0.51 twice, and 16.1 in the class that the baseline lacks.
        expected = 2 / 3 * -math.log(0.6) if name == "day" else domains[name].log_loss
        assert result.candidate == pytest.approx(expected)
        assert result.test_images == domains[name].compared_images
        assert (result.baseline, result.change_low) == (row.before, row.change_low)
        assert (result.limit, result.passed, result.is_proven) == (5.0, True, False)
        assert domains[name].detectable_loss != row.detectable_loss


def test_the_change_is_about_the_pictures_that_both_versions_have_predicted(rejected):
    uri = rejected.evaluation.uri
    domains = read_domain_results(uri, GateOptions(), BASELINE_VERSION)
    rows = {
        row.domain: row
        for row in read_gate_table(uri).rows
        if (row.label, row.metric, row.version) == (None, "accuracy", BASELINE_VERSION)
    }
    assert rows.keys() == domains.keys()
    for name, domain in domains.items():
        row = rows[name]
        assert domain.compared_images == row.pictures
        assert domain.change == pytest.approx(row.after - row.before)

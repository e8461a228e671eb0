"""Slices of a real run of the Evaluator."""

import pytest

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.statistics.accuracy_interval import accuracy_interval
from components.evaluation.statistics.paired_counts import PairCounts, interval
from pipeline.summary.slices.slice_reader import read_slice_results

pytestmark = pytest.mark.component


def test_a_slice_has_the_metrics_of_all_its_pictures_and_the_change_of_its_accuracy(rejected):
    slices, without_value = read_slice_results(rejected.evaluation.uri, GateOptions())
    first, second = slices
    assert without_value == {"scanner": 1}
    assert (first.values, first.test_images, first.accuracy) == ({"scanner": "A"}, 3, 1.0)
    assert (second.values, second.test_images, second.accuracy) == ({"scanner": "B"}, 2, 0.5)
    assert (second.accuracy_low, second.accuracy_high) == accuracy_interval(0.5, 2, 0.9)
    assert second.macro_f1 == pytest.approx(2 / 3)
    assert (second.compared_images, second.baseline_accuracy, second.change) == (2, 1.0, -0.5)
    assert (second.change_low, second.change_high) == interval(PairCounts(2, 0, 1, 1), 0.9)
    assert (second.limit, second.is_proven, second.passed) == (None, False, True)


def test_without_slices_there_are_none(blessed):
    assert read_slice_results(blessed.evaluation.uri, GateOptions()) == ([], {})


def test_an_evaluation_without_a_gate_table_has_none(tmp_path):
    assert read_slice_results(str(tmp_path), GateOptions()) == ([], {})

import json

import pytest

from components.evaluation.classifier_metrics import METRIC_FUNCTIONS
from components.evaluation.eval_config import BASELINE, CANDIDATE, METRICS, create_eval_config
from components.evaluation.gate_options import GateOptions
from components.evaluation.paired_change import LEAST_GAIN

pytestmark = pytest.mark.component

GATE = GateOptions(min_accuracy=0.6, max_drop=0.02)


def gates(known: tuple[str, ...] | None) -> dict[tuple[str, str], float]:
    """(Metric, domain) -> lower bound."""
    config = create_eval_config(("day", "night"), GATE, "code", known)
    found = {}
    for metric in config.metrics_specs[0].metrics:
        for gate in metric.per_slice_thresholds:
            [slicing] = gate.slicing_specs
            key = json.loads(metric.config)["name"], slicing.feature_values["domain"]
            found[key] = gate.threshold.value_threshold.lower_bound.value
    return found


def test_without_a_baseline_every_domain_has_a_floor():
    assert gates(None) == {("accuracy", "day"): 0.6, ("accuracy", "night"): 0.6}


def test_a_known_domain_may_not_lose_and_a_new_one_must_gain():
    assert gates(("day",)) == {
        ("accuracy", "day"): 0.6,
        ("accuracy", "night"): 0.6,
        ("change_high", "day"): -0.02,
        ("gain", "night"): LEAST_GAIN,
    }


def test_the_baseline_is_marked_as_one_and_both_models_read_the_same_signatures():
    candidate, baseline = create_eval_config(("day",), GATE, "code", ("day",)).model_specs
    assert (candidate.name, candidate.is_baseline) == (CANDIDATE, False)
    assert (baseline.name, baseline.is_baseline) == (BASELINE, True)
    assert candidate.signature_name == baseline.signature_name == "serving_examples"


def test_there_is_an_overall_slice_which_tfma_needs_for_a_blessing():
    slices = [tuple(s.feature_keys) for s in create_eval_config(("day",), GATE, "").slicing_specs]
    assert slices == [(), ("domain",), ("domain", "label")]


def test_a_change_of_the_metrics_code_changes_the_config():
    first, second = (create_eval_config(("day",), GATE, code) for code in ("1", "2"))
    assert first != second


def test_every_metric_of_the_summary_has_a_function():
    assert set(METRICS) == set(METRIC_FUNCTIONS)

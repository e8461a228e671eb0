"""The EvalConfig, and a real run of TFX's Evaluator over `tiny_evaluation.PICTURES`."""

import json
import math

import pytest
from tiny_evaluation import evaluate
from tiny_models import ColourModel

from components.evaluation.classifier_metrics import DERIVED
from components.evaluation.eval_config import BASELINE, CANDIDATE, METRICS, create_eval_config
from components.evaluation.evaluation_results import read_domain_metrics, read_reasons
from components.evaluation.gate_options import GateOptions
from components.evaluation.paired_change import LEAST_GAIN

GATE = GateOptions(min_accuracy=0.6, max_drop=0.02)


def gates(known: tuple[str, ...] | None) -> dict[tuple[str, str], float]:
    """(Metric, domain) -> least value."""
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


def test_there_is_an_overall_slice_without_which_nothing_is_blessed():
    slices = [tuple(s.feature_keys) for s in create_eval_config(("day",), GATE, "").slicing_specs]
    assert slices == [(), ("domain",), ("domain", "label")]


def test_a_change_of_the_metrics_code_changes_the_config():
    first, second = (create_eval_config(("day",), GATE, code) for code in ("1", "2"))
    assert first != second


def test_the_metrics_of_the_summary_are_those_that_can_be_computed():
    assert set(METRICS) == set(DERIVED)


def test_the_evaluator_measures_every_domain(blessed):
    # Day: right with 1, 0.6 and 0.6; blue, with no probability, is taken for red with 0.8.
    # Night: right with 1; the second, with 0.2, is taken for blue with 0.8.
    day, night = (
        read_domain_metrics(blessed.evaluation.uri, CANDIDATE)[d] for d in ("day", "night")
    )
    assert day == {
        "test_images": 4,
        "accuracy": 0.75,
        "macro_f1": pytest.approx((4 / 5 + 1 + 0) / 3),
        "log_loss": pytest.approx(-(2 * math.log(0.6) + math.log(1e-7)) / 4),
        "ece": pytest.approx((0 + 0.8 + 0.8) / 4),
    }
    assert night == {
        "test_images": 2,
        "accuracy": 0.5,
        "macro_f1": pytest.approx(2 / 3),
        "log_loss": pytest.approx(-math.log(0.2) / 2),
        "ece": pytest.approx(0.4),
    }


def test_without_a_baseline_the_floors_decide_and_at_the_floor_is_good_enough(blessed):
    assert blessed.blessing.get_int_custom_property("blessed") == 1
    assert read_reasons(blessed.evaluation.uri, GateOptions(min_accuracy=0.5)) == []
    assert read_domain_metrics(blessed.evaluation.uri, BASELINE) == {}


def test_a_baseline_is_measured_beside_the_candidate_and_wrong_on_a_class_it_does_not_know(refused):
    baseline = read_domain_metrics(refused.evaluation.uri, BASELINE)
    candidate = read_domain_metrics(refused.evaluation.uri, CANDIDATE)
    assert {name: values["accuracy"] for name, values in baseline.items()} == {
        "day": 0.75,
        "night": 1.0,
    }
    assert {name: values["accuracy"] for name, values in candidate.items()} == {
        "day": 0.75,
        "night": 0.5,
    }


def test_every_broken_gate_is_a_reason_and_a_domain_that_was_not_tested_is_one(refused):
    assert refused.blessing.get_int_custom_property("blessed") == 0
    assert read_reasons(refused.evaluation.uri, GATE) == [
        "domain 'night': accuracy 0.500 is below the floor 0.600",
        "domain 'fog' has no test pictures",
    ]


def test_a_loss_on_two_pictures_is_no_certain_loss_and_its_interval_says_so(refused):
    # One of two pictures lost: (0.5 - 1.5) / 4, and 1.645 standard errors either way.
    night = read_domain_metrics(refused.evaluation.uri, CANDIDATE)["night"]
    error = math.sqrt(2 - 1 / 4) / 4
    assert night["change_low"] == pytest.approx(-0.25 - 1.645 * error, abs=1e-3)
    assert night["change_high"] == pytest.approx(-0.25 + 1.645 * error, abs=1e-3)


def test_a_certain_loss_and_a_new_domain_without_gain_are_reasons(tmp_path):
    gate = GateOptions(min_accuracy=0, max_drop=0, confidence=0.1)
    evaluated = evaluate(
        tmp_path, gate, ("day", "night"), ColourModel(("green", "red")), known=("night",)
    )
    assert evaluated.blessing.get_int_custom_property("blessed") == 0
    day, night = sorted(read_reasons(evaluated.evaluation.uri, gate))
    assert day == "domain 'day': new, and no better than with the model that serves (+0.000)"
    assert night.startswith(
        "domain 'night': accuracy fell by more than chance: the 10% interval of its change ends at"
    )
    assert night.endswith(", and a loss of 0.000 is allowed")

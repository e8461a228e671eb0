"""The EvalConfig, and a real run of TFX's Evaluator over `tiny_evaluation.PICTURES`."""

import math

import pytest

from pipeline.config import GateOptions
from pipeline.evaluation import (
    BASELINE,
    CANDIDATE,
    METRICS,
    create_eval_config,
    read_domain_metrics,
    read_reasons,
)
from pipeline.metrics import DERIVED

GATE = GateOptions(min_accuracy=0.6, max_drop=0.02)


def thresholds(domains: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    config = create_eval_config(domains, GATE, "code")
    gates = {}
    for metric in config.metrics_specs[0].metrics:
        for gate in metric.per_slice_thresholds:
            assert '"accuracy"' in metric.config
            [slicing] = gate.slicing_specs
            limits = gate.threshold
            gates[slicing.feature_values["domain"]] = (
                limits.value_threshold.lower_bound.value,
                limits.change_threshold.absolute.value,
            )
    return gates


def test_every_domain_has_a_floor_and_a_change_gate_of_its_own():
    assert thresholds(("day", "night")) == {"day": (0.6, -0.02), "night": (0.6, -0.02)}


def test_the_baseline_is_marked_as_one_and_both_models_read_the_same_signatures():
    candidate, baseline = create_eval_config(("day",), GATE, "code").model_specs
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
        "domain 'night': accuracy changed by -0.500, at most -0.020 is allowed",
        "domain 'fog' has no test pictures",
    ]

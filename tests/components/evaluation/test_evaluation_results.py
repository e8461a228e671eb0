"""Results of a real run of TFX's Evaluator over `tiny_evaluation.PICTURES`."""

import math

import pytest
from tiny_evaluation import evaluate
from tiny_models import ColourModel

from components.evaluation.eval_config import BASELINE, CANDIDATE
from components.evaluation.evaluation_results import read_domain_metrics, read_reasons
from components.evaluation.gate_options import GateOptions

pytestmark = pytest.mark.component

GATE = GateOptions(min_accuracy=0.6, max_drop=0.02)


def test_the_evaluator_measures_every_domain(blessed):
    # Day: correct with 1, 0.6 and 0.6; blue, with no probability, is predicted as red with 0.8.
    # Night: correct with 1; the second, with 0.2, is predicted as blue with 0.8.
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


def test_without_a_baseline_the_floors_decide_and_an_accuracy_at_the_floor_is_blessed(blessed):
    assert blessed.blessing.get_int_custom_property("blessed") == 1
    assert read_reasons(blessed.evaluation.uri, GateOptions(min_accuracy=0.5)) == []
    assert read_domain_metrics(blessed.evaluation.uri, BASELINE) == {}


def test_a_baseline_is_measured_too_and_wrong_on_a_class_that_it_does_not_know(rejected):
    baseline = read_domain_metrics(rejected.evaluation.uri, BASELINE)
    candidate = read_domain_metrics(rejected.evaluation.uri, CANDIDATE)
    assert {name: values["accuracy"] for name, values in baseline.items()} == {
        "day": 0.75,
        "night": 1.0,
    }
    assert {name: values["accuracy"] for name, values in candidate.items()} == {
        "day": 0.75,
        "night": 0.5,
    }


def test_every_failed_gate_and_every_untested_domain_is_a_reason(rejected):
    assert rejected.blessing.get_int_custom_property("blessed") == 0
    assert read_reasons(rejected.evaluation.uri, GATE) == [
        "domain 'night': accuracy 0.500 is below the floor 0.600",
        "domain 'fog' has no test pictures",
    ]


def test_a_loss_on_two_pictures_is_not_certain(rejected):
    # One of two pictures lost: (0.5 - 1.5) / 4, and 1.645 standard errors either way.
    night = read_domain_metrics(rejected.evaluation.uri, CANDIDATE)["night"]
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
    assert day == (
        "domain 'day': the domain is new, and accuracy is no better than with the serving model "
        "(change +0.000)"
    )
    assert night.startswith(
        "domain 'night': accuracy fell by more than chance: the 10% confidence interval of its "
        "change ends at"
    )
    assert night.endswith(", and a loss of 0.000 is allowed")

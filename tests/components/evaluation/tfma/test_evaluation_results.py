"""Results of real runs of the Evaluator over `tiny_evaluation.PICTURES`."""

import math

import pytest

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateRow, GateTable
from components.evaluation.tfma.evaluation_results import (
    describe_failures,
    read_domain_metrics,
    read_reasons,
)

pytestmark = pytest.mark.component

GATE = GateOptions(min_accuracy=0.6, max_drop=0.02)


def test_the_evaluator_measures_every_domain(blessed):
    # Day: correct with 1, 0.6 and 0.6; blue, with no probability, is predicted as red with 0.8.
    # Night: correct with 1; the second, with 0.2, is predicted as blue with 0.8.
    day, night = (read_domain_metrics(blessed.evaluation.uri)[d] for d in ("day", "night"))
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
    for metrics in read_domain_metrics(blessed.evaluation.uri).values():
        assert "baseline_accuracy" not in metrics


def test_a_baseline_is_measured_too_without_the_class_that_it_does_not_know(rejected):
    metrics = read_domain_metrics(rejected.evaluation.uri)
    assert {name: values["baseline_accuracy"] for name, values in metrics.items()} == {
        "day": 1.0,
        "night": 1.0,
    }
    assert {name: values["accuracy"] for name, values in metrics.items()} == {
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
    night = read_domain_metrics(rejected.evaluation.uri)["night"]
    error = math.sqrt(2 - 1 / 4) / 4
    assert night["change_low"] == pytest.approx(-0.25 - 1.645 * error, abs=1e-3)
    assert night["change_high"] == pytest.approx(-0.25 + 1.645 * error, abs=1e-3)


def row(**values: object) -> GateRow:
    given = {"domain": "day", "version": 7, "pictures": 1200, "before": 0.95, "after": 0.7}
    given |= {"change_low": -0.3, "change_high": -0.2, "p_value": 0.001, "limit": 0.02}
    return GateRow(**(given | {"passed": False} | values))


def reasons(*rows: GateRow, **gate: object) -> list[str]:
    return list(
        describe_failures(GateTable(level=0.01, num_tests=1, rows=rows), GateOptions(**gate))
    )


def test_the_reason_of_a_proven_loss_names_version_values_and_pictures():
    assert reasons(row()) == [
        "domain 'day': accuracy fell by more than chance against version 7, from 0.950 to 0.700 on "
        "1,200 test pictures (90% confidence interval -0.300 to -0.200), and a loss of 0.020 is "
        "allowed"
    ]


def test_the_reason_of_a_class_names_class_and_domain_and_its_recall():
    [reason] = reasons(row(label="house", limit=0.1))
    assert reason.startswith(
        "domain 'day', class 'house': recall fell by more than chance against version 7, from "
        "0.950 to 0.700 on 1,200 test pictures"
    )
    assert reason.endswith("a loss of 0.100 is allowed")


def test_a_loss_that_is_only_possible_is_not_said_to_be_proven():
    assert reasons(row(p_value=0.2), mode="no_possible_loss") == [
        "domain 'day': a loss above 0.020 cannot be ruled out: accuracy against version 7, from "
        "0.950 to 0.700 on 1,200 test pictures (90% confidence interval -0.300 to -0.200)"
    ]


def test_the_reason_of_a_metric_names_it_and_says_whether_it_fell_or_rose():
    [fell, rose] = reasons(row(metric="macro_f1"), row(metric="log_loss", before=0.3, after=0.45))
    assert fell.startswith("domain 'day': macro F1 fell by more than chance against version 7, ")
    assert rose.startswith("domain 'day': log loss rose by more than chance against version 7, ")
    assert "from 0.300 to 0.450 on 1,200 test pictures" in rose
    assert rose.endswith("and a rise of 0.020 is allowed")
    [possible] = reasons(row(metric="calibration_error", p_value=0.5), mode="no_possible_loss")
    assert possible.startswith(
        "domain 'day': a rise above 0.020 cannot be ruled out: calibration error against version 7"
    )
    [recall] = reasons(row(metric="recall_at_precision"), precision=0.9)
    assert recall.startswith("domain 'day': recall at precision 0.9 fell by more than chance")


def test_a_new_domain_without_gain_is_a_reason():
    assert reasons(row(is_new=True, before=0.7, pictures=40, limit=0.2, p_value=0.5)) == [
        "domain 'day': the domain is new, and the candidate is not proven better than the serving "
        "model: accuracy from 0.700 to 0.700 on 40 test pictures"
    ]


def test_a_class_below_the_floor_of_classes_is_a_reason():
    assert reasons(row(label="house", passed=True), class_min_recall=0.75) == [
        "domain 'day', class 'house': recall 0.700 is below the floor 0.750"
    ]
    assert reasons(row(label="house", passed=True), min_accuracy=0.75) == []


def test_the_floor_holds_for_all_pictures_and_not_for_those_that_an_earlier_version_knows():
    every, shared = row(passed=True), row(passed=True, version=3, pictures=20, after=0.3)
    assert reasons(every, shared, min_accuracy=0.6) == []
    assert reasons(every, shared, min_accuracy=0.8) == [
        "domain 'day': accuracy 0.700 is below the floor 0.800"
    ]

from typing import Any

import pytest
from tiny_summary import summary

from components.data_gate.validation_options import ValidationOptions
from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.assessing.accuracy_estimate import AccuracyEstimate
from pipeline.retraining.assessing.assessment import BatchAssessment, DomainAssessment
from pipeline.retraining.batch_decision import BatchResult, decide
from pipeline.retraining.unlabelled.unlabelled_plan import HeldOutCount
from pipeline.summary.acceptance_result import AcceptanceResult, AcceptedDomain

OPTIONS = RetrainOptions(min_pictures=20, good_enough=0.9)


def domain(**changes: Any) -> DomainAssessment:
    fields: dict[str, Any] = {
        "labelled": 30,
        "unlabelled": 0,
        "unusable": 0,
        "is_new": True,
        "new_classes": {},
        "num_predicted": 30,
        "accuracy": 0.4,
        "confidence": 0.6,
        "known_confidence": 0.9,
        "drift": None,
        "distances": {"day": 0.5, "noon": 0.3},
    }
    return DomainAssessment(**fields | changes)


def decide_on(
    waiting: int = 0,
    test_accuracy: float | None = None,
    waiting_accuracy: float | None = None,
    **changes: Any,
) -> tuple[str, str]:
    decision = decide(
        BatchAssessment({"night": domain(**changes)}),
        {"night": waiting},
        {} if test_accuracy is None else {"night": test_accuracy},
        OPTIONS,
        waiting_accuracies={} if waiting_accuracy is None else {"night": waiting_accuracy},
    )
    return decision.outcome, decision.reason


def test_a_new_domain_with_low_accuracy_is_trained_on_and_the_reason_has_the_numbers():
    outcome, reason = decide_on(unusable=2)
    assert outcome == "retrain"
    assert reason == (
        "new domain 'night': 30 labelled, 2 unusable, accuracy of the serving model 0.400, "
        "confidence 0.60 (usually 0.90), nearest to 'noon' (0.30)"
    )


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"accuracy": 0.9}, "good_enough"),
        ({"accuracy": 0.89}, "retrain"),
        ({"labelled": 19}, "too_little_data"),
        ({"labelled": 19, "waiting": 1}, "retrain"),
        ({"labelled": 1, "accuracy": 1.0, "waiting": 19, "waiting_accuracy": 0.89}, "retrain"),
        ({"labelled": 1, "accuracy": 1.0, "waiting": 19, "waiting_accuracy": 0.9}, "good_enough"),
        ({"labelled": 1, "accuracy": 0.0, "waiting": 99, "waiting_accuracy": 1.0}, "good_enough"),
        ({"labelled": 0, "unlabelled": 500, "accuracy": None}, "too_little_data"),
        ({"labelled": 0, "unusable": 7, "accuracy": None}, "held"),
    ],
)
def test_the_outcome_depends_on_the_numbers(changes, outcome):
    assert decide_on(**changes)[0] == outcome


@pytest.mark.parametrize("labelled", [30, 2])
@pytest.mark.parametrize("accuracy", [0.95, 0.4])
def test_a_batch_with_a_class_that_is_not_allowed_is_held_whatever_else_it_has(labelled, accuracy):
    assessment = BatchAssessment(
        {
            "night": domain(labelled=labelled, accuracy=accuracy, new_classes={"owl": 1}),
            "noon": domain(accuracy=accuracy),
        },
        {},
    )
    decision = decide(assessment, {}, {}, OPTIONS)
    assert decision.outcome == "held"
    assert decision.reason.endswith(
        ": The serving model does not know these classes: 'owl' (1 picture). To continue anyway: "
        "--set validation.allow=[new_class]"
    )


@pytest.mark.parametrize(
    "validation", [ValidationOptions(allow=("new_class",)), ValidationOptions(stop_at="never")]
)
@pytest.mark.parametrize(("labelled", "outcome"), [(30, "retrain"), (2, "too_little_data")])
def test_a_new_class_that_is_allowed_is_trained_on(validation, labelled, outcome):
    night = domain(labelled=labelled, accuracy=0.95, new_classes={"owl": 2})
    decision = decide(BatchAssessment({"night": night}, {}), {}, {}, OPTIONS, validation=validation)
    assert decision.outcome == outcome


def test_a_known_domain_with_low_accuracy_and_without_drift_is_held():
    known = {"is_new": False, "test_accuracy": 0.9, "accuracy": 0.2}
    outcome, reason = decide_on(drift=0.4, **known)
    assert outcome == "held"
    assert "Check the labels" in reason
    assert decide_on(drift=0.002, **known)[0] == "retrain"
    assert "drifted (p = 0.002)" in decide_on(drift=0.002, **known)[1]


def test_the_estimate_for_pictures_without_labels_is_called_one():
    estimate = AccuracyEstimate(accuracy=0.714, low=0.65, high=0.78)
    _, reason = decide_on(labelled=0, unlabelled=30, accuracy=None, estimated_accuracy=estimate)
    assert "accuracy without labels estimated at 0.71 (0.65 to 0.78)" in reason


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (None, "accuracy without labels: a note"),
        (AccuracyEstimate(accuracy=1, low=0.9, high=1), "1.00 (0.90 to 1.00), that is a note"),
    ],
)
def test_why_there_is_no_estimate_or_no_good_one_is_part_of_the_reason(estimate, text):
    told = {"estimated_accuracy": estimate, "estimate_note": "a note"}
    assert text in decide_on(labelled=0, unlabelled=30, accuracy=None, **told)[1]


@pytest.mark.parametrize(
    ("changes", "held_out", "outcome"),
    [
        ({"labelled": 1, "is_new": True}, 0, "retrain"),
        ({"labelled": 0}, 0, "retrain"),
        ({"labelled": 0}, 1, "too_little_data"),
        ({"labelled": 1, "unlabelled": 19}, 0, "too_little_data"),
    ],
)
def test_unlabelled_pictures_start_a_retraining_only_where_the_option_says_always(
    changes, held_out, outcome
):
    night = domain(**{"unlabelled": 20, "is_new": False, "accuracy": None} | changes)
    assessment = BatchAssessment({"night": night})
    accuracies = {} if night.is_new else {"night": 0.5}
    kept = {"night": HeldOutCount(held_out, held_out)}
    assert decide(assessment, {}, accuracies, OPTIONS, held_out=kept).outcome == "too_little_data"
    always = OPTIONS.model_copy(update={"unlabelled": "always"})
    decision = decide(assessment, {}, accuracies, always, held_out=kept)
    assert decision.outcome == outcome
    assert ("unlabelled pictures are trained on" in decision.reason) == (outcome == "retrain")


@pytest.mark.parametrize(
    ("changed", "waiting", "outcome"),
    [(20, 0, "retrain"), (19, 0, "good_enough"), (15, 5, "retrain"), (0, 30, "good_enough")],
)
def test_enough_corrections_retrain_though_the_serving_model_is_good_enough(
    changed, waiting, outcome
):
    night = domain(accuracy=1.0, changed=changed, changed_labels=changed)
    assessment = BatchAssessment({"night": night}, waiting_changes=waiting)
    decision = decide(assessment, {}, {}, OPTIONS)
    assert decision.outcome == outcome
    assert (f"{changed} with another label" in decision.reason) == bool(changed)
    applied_later = "The corrections are applied with the next training" in decision.reason
    assert applied_later == (outcome == "good_enough" and changed > 0)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"changed": 25, "uncorrected_accuracy": 0.9}, "retrain"),  # the others agree
        ({"changed": 25, "uncorrected_accuracy": 0.1}, "retrain"),  # too few others to tell
        ({"changed": 10, "uncorrected_accuracy": 0.1}, "held"),
        ({"changed": 0, "uncorrected_accuracy": 0.1}, "held"),
        ({"changed": 30, "uncorrected_accuracy": None}, "retrain"),
    ],
)
def test_corrections_do_not_count_as_labels_that_contradict(changes, outcome):
    known = {"is_new": False, "test_accuracy": 0.9, "accuracy": 0.1, "drift": 0.4}
    assert decide_on(**known, changed_labels=changes["changed"], **changes)[0] == outcome


@pytest.mark.parametrize(
    ("known", "omitted", "outcome", "text"),
    [
        (30, 0, "duplicate", "the serving version knows all pictures"),
        (29, 1, "good_enough", "1 not in the new delivery: no picture is new"),
        (0, 0, "held", "no picture of the batch is usable"),
    ],
)
def test_a_batch_without_anything_new_says_what_it_is(known, omitted, outcome, text):
    night = domain(labelled=0, accuracy=None, known=known, unusable=2)
    decision = decide(BatchAssessment({"night": night}, omitted=omitted), {}, {}, OPTIONS)
    assert decision.outcome == outcome
    assert text in decision.reason


def test_the_reason_of_a_pushed_batch_tells_that_far_fewer_predictions_are_accepted():
    day = AcceptedDomain(
        **{"pictures": 100, "accepted": 20, "correct": 20, "accuracy_low": 0.9, "is_shown": False},
        baseline_coverage=0.5,
    )
    acceptance = AcceptanceResult(
        accuracy=0.95, min_confidence=0.8, max_novelty=0.95, domains={"day": day}
    )
    result = BatchResult.of_run(summary(acceptance=acceptance), 20)
    assert result.reason.endswith(
        "; the share of accepted predictions fell in 'day' from 0.50 to 0.20"
    )

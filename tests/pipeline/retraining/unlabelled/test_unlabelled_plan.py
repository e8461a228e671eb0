"""Whether unlabelled pictures start a retraining, and which domains nothing tests."""

import pytest

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.assessing.assessment import BatchAssessment, DomainAssessment
from pipeline.retraining.batch_decision import decide
from pipeline.retraining.unlabelled.unlabelled_plan import HeldOutCount, plan_unlabelled

OPTIONS = RetrainOptions(min_pictures=20, unlabelled="always")


def night(labelled: int = 0, unlabelled: int = 40) -> DomainAssessment:
    """A new domain whose pictures have few labels, or none."""
    return DomainAssessment(
        labelled=labelled,
        unlabelled=unlabelled,
        unusable=0,
        is_new=True,
        new_classes={},
        num_predicted=8,
        accuracy=None,
        confidence=0.9,
        known_confidence=0.9,
        drift=None,
        distances={},
    )


@pytest.mark.parametrize(
    ("case", "starts", "unverified"),
    [
        ("enough to test", True, True),
        ("too few to test", False, False),
        ("too few to test, as their groups are in eval", False, False),
        ("too few to train on", False, False),
        ("too few to test, and pushed without labels", True, True),
        ("a few labels", True, False),
        ("labels that wait", False, False),
        ("tested by the serving version", True, False),
        ("not always", False, False),
    ],
)
def test_a_domain_without_labels_is_trained_on_where_others_of_its_pictures_can_test(
    case, starts, unverified
):
    testing = 19 if case.startswith("too few to test") else 20
    held_out = {"night": HeldOutCount(20 if "groups" in case else testing, testing)}
    options = OPTIONS.model_copy(
        update={
            "unlabelled": "auto" if case == "not always" else "always",
            "unverified": "push" if "pushed" in case else "hold",
        }
    )
    count = 39 if case == "too few to train on" else 40
    domain = night(labelled=3 if case == "a few labels" else 0, unlabelled=count)
    assessment = BatchAssessment({"night": domain})
    waiting = {"night": 1} if case == "labels that wait" else {}
    accuracies = {"night": 0.5} if case.startswith("tested") else {"day": 0.9}
    plan = plan_unlabelled(assessment, waiting, accuracies, held_out, options)
    assert (plan.starts_retraining, plan.unverified) == (
        starts,
        ("night",) if unverified else (),
    )
    decision = decide(assessment, waiting, accuracies, options, held_out=held_out)
    assert decision.outcome == ("retrain" if starts else "too_little_data")
    assert decision.unverified == plan.unverified
    reason = "'night': too few unlabelled pictures to train on, and to test with 20 others"
    is_told = case.startswith("too few") and "pushed" not in case
    assert (reason in decision.reason) == is_told


def test_labels_that_others_contradict_verify_nothing():
    assessment = BatchAssessment({"night": night(labelled=3)})
    held_out = {"night": HeldOutCount(20, 20)}
    for disputed, unverified in ((3, ("night",)), (2, ())):
        plan = plan_unlabelled(assessment, {}, {}, held_out, OPTIONS, {"night": disputed})
        assert plan.unverified == unverified

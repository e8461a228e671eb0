from typing import Any

import pytest

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.assessment import Assessed, DomainAssessment
from pipeline.retraining.batch_decision import decide, pseudo_labels

OPTIONS = RetrainOptions(min_pictures=20, good_enough=0.9)


def domain(**changes: Any) -> DomainAssessment:
    fields: dict[str, Any] = {
        "labelled": 30,
        "unlabelled": 0,
        "unusable": 0,
        "is_new": True,
        "new_classes": {},
        "asked": 30,
        "accuracy": 0.4,
        "confidence": 0.6,
        "known_confidence": 0.9,
        "drift": None,
        "distances": {"day": 0.5, "noon": 0.3},
    }
    return DomainAssessment(**fields | changes)


def verdict_on(waiting: int = 0, tested: float | None = None, **changes: Any) -> tuple[str, str]:
    found = decide(
        Assessed({"night": domain(**changes)}, {}),
        {"night": waiting},
        {} if tested is None else {"night": tested},
        OPTIONS,
    )
    return found.decision, found.reason


def test_a_new_domain_on_which_the_model_is_wrong_is_trained_on_with_the_numbers_in_words():
    decision, reason = verdict_on(unusable=2)
    assert decision == "retrain"
    assert reason == (
        "new domain 'night': 30 labelled, 2 unusable, the model that serves is right on 0.400, "
        "confidence 0.60 (usually 0.90), nearest to 'noon' (0.30)"
    )


@pytest.mark.parametrize(
    ("changes", "decision"),
    [
        ({"accuracy": 0.9}, "good_enough"),
        ({"accuracy": 0.89}, "retrain"),
        ({"accuracy": 0.95, "new_classes": {"owl": 5}}, "retrain"),
        ({"labelled": 19}, "too_little_data"),
        ({"labelled": 19, "waiting": 1}, "retrain"),
        ({"labelled": 0, "unlabelled": 500, "accuracy": None}, "too_little_data"),
        ({"labelled": 0, "unusable": 7, "accuracy": None}, "held"),
    ],
)
def test_the_numbers_decide(changes, decision):
    assert verdict_on(**changes)[0] == decision


def test_pictures_that_look_as_ever_with_labels_that_do_not_fit_are_held():
    known = {"is_new": False, "tested": 0.9, "accuracy": 0.2}
    decision, reason = verdict_on(drift=0.4, **known)
    assert decision == "held"
    assert "Check the labels" in reason
    assert verdict_on(drift=0.002, **known)[0] == "retrain"
    assert "drifted (p = 0.002)" in verdict_on(drift=0.002, **known)[1]


def test_pseudo_labels_are_the_sure_ones_equally_many_of_each_class():
    answers = {f"cat {n}": ("cat", 0.9 + n / 100) for n in range(5)}
    answers |= {"dog 1": ("dog", 0.95), "dog 2": ("dog", 0.85), "owl 1": ("owl", 0.9)}
    found = Assessed({"night": domain(labelled=0, unlabelled=8, accuracy=None)}, answers)
    assert pseudo_labels(found, OPTIONS) == {}
    options = OPTIONS.model_copy(update={"self_training": True})
    assert pseudo_labels(found, options) == {"cat 4": "cat", "dog 1": "dog", "owl 1": "owl"}
    assert decide(found, {}, {}, options).decision == "retrain"

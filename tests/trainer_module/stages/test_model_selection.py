import numpy as np
import pytest

from trainer_module.stages.model_selection import pick_best

#: Of 400 rows of day and 8 of night.
DOMAINS = np.array(["day"] * 400 + ["night"] * 8, object)
TARGETS = np.zeros(408, np.int32)


def answers(day: float, night: float, sure: float = 4.0) -> np.ndarray:
    """Logits of two classes that are right on a share of each domain, and how sure they are."""
    right = np.concatenate([np.arange(400) < day * 400, np.arange(8) < night * 8])
    return np.where(right[:, None], [sure, 0.0], [0.0, sure]).astype(np.float32)


def hedged(day: float, night: float) -> np.ndarray:
    """The same, of a classifier that is in doubt where it is wrong."""
    logits = answers(day, night)
    logits[logits[:, 1] > 0] = [0.0, 0.1]
    return logits


@pytest.mark.parametrize(
    ("criterion", "best"), [("mean_domain", 1), ("worst_domain", 1), ("overall", 0)]
)
def test_a_clear_lead_by_the_criterion_decides(criterion, best):
    logits = [answers(0.95, 0.25), answers(0.85, 1.0)]
    assert pick_best(logits, TARGETS, DOMAINS, criterion) == best


def test_one_answer_in_a_tiny_domain_decides_nothing():
    # The first is right on one more picture of eight, and surely wrong elsewhere.
    logits = [answers(0.9, 7 / 8), hedged(0.9, 6 / 8)]
    assert pick_best(logits, TARGETS, DOMAINS, "mean_domain") == 1


def test_the_same_lead_on_many_pictures_decides():
    domains = np.array(["day"] * 204 + ["night"] * 204, object)
    logits = [answers(0.9, 0.9), answers(0.9, 0.9)]
    logits[1][200:204], logits[1][300:330] = [0.0, 4.0], [0.0, 0.1]
    assert pick_best(logits, TARGETS, domains, "mean_domain") == 0


@pytest.mark.parametrize("sure", [0.1, 1.0, 10.0])
def test_how_sure_a_classifier_is_in_general_does_not_count(sure):
    logits = [answers(0.9, 0.5), sure * hedged(0.9, 0.5)]
    assert pick_best(logits, TARGETS, DOMAINS, "mean_domain") == 1


def test_on_a_tie_the_first_is_taken():
    assert pick_best([answers(0.9, 0.5)] * 3, TARGETS, DOMAINS, "mean_domain") == 0


def test_classes_that_no_classifier_knows_are_wrong_and_decide_nothing():
    logits = [answers(0.9, 0.5), answers(0.8, 0.5)]
    assert pick_best(logits, np.full(408, -1, np.int32), DOMAINS, "mean_domain") == 0

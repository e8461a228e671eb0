import numpy as np
import pytest

from trainer_module.stages.model_selection import describe_choice, select_best, select_stage
from trainer_module.stages.scoring import score
from trainer_module.stages.stage_result import StageResult

#: 400 rows of day and 8 of night.
DOMAINS = np.array(["day"] * 400 + ["night"] * 8, object)
TARGETS = np.zeros(408, np.int32)


def logits_of(day: float, night: float) -> np.ndarray:
    """Return logits of two classes that are correct on a share of each domain, and confident."""
    correct = np.concatenate([np.arange(400) < day * 400, np.arange(8) < night * 8])
    return np.where(correct[:, None], [4.0, 0.0], [0.0, 4.0]).astype(np.float32)


def logits_in_doubt(day: float, night: float) -> np.ndarray:
    """Return the same logits, but with little confidence where they are wrong."""
    logits = logits_of(day, night)
    logits[logits[:, 1] > 0] = [0.0, 0.1]
    return logits


@pytest.mark.parametrize(
    ("criterion", "best"), [("mean_domain", 1), ("worst_domain", 1), ("overall", 0)]
)
def test_a_clear_difference_in_the_criterion_decides(criterion, best):
    logits = [logits_of(0.95, 0.25), logits_of(0.85, 1.0)]
    assert select_best(logits, TARGETS, DOMAINS, criterion) == best


def test_one_prediction_in_a_tiny_domain_decides_nothing():
    # The first is correct on one more picture of eight, and wrong with confidence elsewhere.
    logits = [logits_of(0.9, 7 / 8), logits_in_doubt(0.9, 6 / 8)]
    assert select_best(logits, TARGETS, DOMAINS, "mean_domain") == 1


def test_the_same_difference_on_many_pictures_decides():
    domains = np.array(["day"] * 204 + ["night"] * 204, object)
    logits = [logits_of(0.9, 0.9), logits_of(0.9, 0.9)]
    logits[1][200:204], logits[1][300:330] = [0.0, 4.0], [0.0, 0.1]
    assert select_best(logits, TARGETS, domains, "mean_domain") == 0


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_the_general_confidence_of_a_classifier_has_no_effect(scale):
    logits = [logits_of(0.9, 0.5), scale * logits_in_doubt(0.9, 0.5)]
    assert select_best(logits, TARGETS, DOMAINS, "mean_domain") == 1


def test_on_a_tie_the_first_is_selected():
    assert select_best([logits_of(0.9, 0.5)] * 3, TARGETS, DOMAINS, "mean_domain") == 0


def test_classes_that_no_classifier_knows_count_as_wrong_and_decide_nothing():
    logits = [logits_of(0.9, 0.5), logits_of(0.8, 0.5)]
    assert select_best(logits, np.full(408, -1, np.int32), DOMAINS, "mean_domain") == 0


def test_the_better_stage_on_the_eval_split_is_selected_and_the_earlier_one_on_a_tie():
    labels = np.array(["blue", "green", "red"] * 4, object)
    domains = np.array(["day"] * 6 + ["night"] * 6, object)
    targets = np.arange(12) % 3
    correct, wrong = (np.eye(3, dtype=np.float32)[ids] for ids in (targets, (targets + 1) % 3))

    def result(name: str, logits: np.ndarray) -> StageResult:
        accuracy = score(logits.argmax(axis=-1), targets, domains)
        return StageResult(name, [], logits, accuracy, seconds=0.0, epochs=1)

    frozen, tuned, same = (
        result("frozen", wrong),
        result("fine_tuned", correct),
        result("again", correct),
    )
    known = ("blue", "green", "red")
    assert select_stage([frozen, tuned, same], labels, domains, known, "mean_domain") is tuned
    assert describe_choice([frozen, tuned], tuned, "mean_domain") == (
        "accuracy on the eval split 0.000 frozen and 1.000 fine_tuned"
    )
    assert describe_choice([tuned, same], same, "mean_domain").endswith(
        "too close to tell apart, so the probability of the true class decides"
    )
    assert describe_choice([frozen], frozen, "mean_domain") == "it is the only stage"

import numpy as np
import pytest

from trainer_module.stages.model_selection import (
    describe_choice,
    is_worse,
    is_worse_in_a_domain,
    select_best,
    select_stage,
)
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


EVAL_LABELS = np.array(["blue", "green", "red"] * 4, object)
EVAL_DOMAINS = np.array(["day"] * 6 + ["night"] * 6, object)
KNOWN = ("blue", "green", "red")


def stage(name: str, wrong: int, **details: tuple[str, ...]) -> StageResult:
    """Return a stage that predicts some of the twelve rows of the eval split wrongly."""
    targets = np.arange(12) % 3
    predicted = np.where(np.arange(12) < wrong, (targets + 1) % 3, targets)
    accuracy = score(predicted, targets, EVAL_DOMAINS)
    logits = np.eye(3, dtype=np.float32)[predicted]
    return StageResult(name, [], logits, accuracy, seconds=0.0, epochs=1, **details)


def test_the_better_stage_on_the_eval_split_is_selected_and_the_earlier_one_on_a_tie():
    frozen, tuned, same = stage("frozen", 12), stage("fine_tuned", 0), stage("again", 0)
    stages = [frozen, tuned, same]
    assert select_stage(stages, EVAL_LABELS, EVAL_DOMAINS, KNOWN, "mean_domain") is tuned
    assert describe_choice([frozen, tuned], tuned, "mean_domain") == (
        "accuracy on the eval split 0.000 frozen, 1.000 fine_tuned"
    )
    assert describe_choice([tuned, same], same, "mean_domain").endswith(
        "too close to tell apart, so the probability of the true class decides"
    )
    assert describe_choice([frozen], frozen, "mean_domain") == "it is the only stage"


def test_a_stage_that_replaces_the_one_before_it_is_compared_in_its_place():
    frozen, tuned = stage("frozen", 8), stage("fine_tuned", 0)
    last = stage("semi_supervised", 1, replaces=("fine_tuned",))
    stages = [frozen, tuned, last]
    assert select_stage(stages, EVAL_LABELS, EVAL_DOMAINS, KNOWN, "mean_domain") is last
    assert describe_choice(stages, last, "mean_domain") == (
        "accuracy on the eval split 0.333 frozen, 1.000 fine_tuned, 0.917 semi_supervised; "
        "semi_supervised replaces fine_tuned, because harm is not proven there"
    )


def test_a_stage_that_replaces_all_others_is_selected_though_the_eval_split_does_not_show_why():
    stages = [stage("frozen", 0), stage("fine_tuned", 1)]
    stages.append(stage("semi_supervised", 2, replaces=("frozen", "fine_tuned")))
    assert select_stage(stages, EVAL_LABELS, EVAL_DOMAINS, KNOWN, "mean_domain") is stages[-1]
    text = describe_choice(stages, stages[-1], "mean_domain")
    assert text.endswith(
        "; semi_supervised replaces frozen and fine_tuned, because harm is not proven there"
    )


@pytest.mark.parametrize(
    ("wrong", "run", "retraining"), [((1, 3), 0, 1), ((0, 11), 0, 0), ((3, 1), 1, 1)]
)
def test_a_retraining_exports_the_last_stage_unless_another_is_proven_better(
    wrong, run, retraining
):
    stages = [stage("frozen", wrong[0]), stage("fine_tuned", wrong[1])]
    rows = (EVAL_LABELS, EVAL_DOMAINS, KNOWN, "mean_domain")
    assert select_stage(stages, *rows) is stages[run]
    assert select_stage(stages, *rows, is_retraining=True) is stages[retraining]
    if run != retraining:
        text = describe_choice(stages, stages[1], "mean_domain", is_retraining=True)
        assert text.endswith("; chance explains the difference, so the last stage is exported")


def test_a_retraining_does_not_export_a_stage_that_diverged():
    stages = [stage("frozen", 1), stage("fine_tuned", 1)]
    stages[1].logits[0] = np.nan
    rows = (EVAL_LABELS, EVAL_DOMAINS, KNOWN, "mean_domain")
    assert select_stage(stages, *rows, is_retraining=True) is stages[0]


def test_the_worst_domain_of_each_classifier_is_compared():
    domains = np.repeat(np.array(["day", "night"], object), 100)
    rows = np.arange(200)
    one = ~((rows < 10) | ((rows >= 100) & (rows < 114)))  # 10 and 14 wrong
    other = ~((rows < 70) | ((rows >= 100) & (rows < 110)))  # 70 and 10 wrong
    assert is_worse(one, other, domains, "worst_domain")
    assert not is_worse(other, one, domains, "worst_domain")


def test_a_classifier_is_worse_when_it_loses_more_than_chance_explains():
    reference = np.ones(40, bool)
    lost = np.arange(40) < 6
    domains = np.repeat(np.array(["day", "night"], object), 20)
    assert is_worse(reference, ~lost, domains, "mean_domain")
    assert not is_worse(reference, ~(np.arange(40) < 1), domains, "mean_domain")
    assert not is_worse(~lost, reference, domains, "mean_domain")
    assert not is_worse(reference, ~lost, domains, "mean_domain", errors=5)


def test_a_loss_in_one_domain_counts_whatever_another_one_gains():
    domains = np.repeat(np.array(["day", "night"], object), 20)
    reference, gained = np.arange(40) < 20, np.arange(40) >= 6
    assert not is_worse(reference, gained, domains, "mean_domain")
    assert is_worse_in_a_domain(reference, gained, domains)
    assert not is_worse_in_a_domain(reference, np.ones(40, bool), domains)

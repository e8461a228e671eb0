from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

from trainer_module.activations.activation_cache import LIMIT_FILE, write_limit
from trainer_module.activations.extraction import (
    add_views,
    extract_activations,
    extract_unlabelled,
)
from trainer_module.backbones import INPUT
from trainer_module.semi_supervised import semi_supervised_stage, teacher_training
from trainer_module.semi_supervised.semi_supervised_stage import train_semi_supervised

pytestmark = pytest.mark.component

BOUNDARY = "block1"


def test_the_stage_trains_in_rounds_on_strong_views_of_the_unlabelled_pictures(
    task, splits, classifier, tmp_path, monkeypatch
):
    for module in (semi_supervised_stage, teacher_training):
        monkeypatch.setattr(module, "ROUNDS", 2)
    [labelled] = extract_activations([splits[0]], classifier, BOUNDARY, task)
    write_limit(tmp_path / "cache", 2**29)
    task = replace(task, cache=str(tmp_path / "cache"))
    unlabelled = extract_unlabelled(splits[0], classifier, BOUNDARY, task)
    np.testing.assert_array_equal(unlabelled.views[0], labelled.views[0])
    assert [len(view) for view in unlabelled.views] == [len(labelled)] * 3
    assert np.abs(unlabelled.views[1] - unlabelled.views[2]).max() > 0.1
    # They take part in one training only: nothing but the limit is there.
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [LIMIT_FILE]

    before = classifier.get_weights()
    stage = train_semi_supervised(
        classifier, BOUNDARY, labelled, unlabelled, labelled, task, start=0.0
    )
    curve = stage.details["curve"]
    assert stage.name == "semi_supervised"
    assert stage.epochs == len(curve) == 2
    assert all(0 < entry["unlabelled"] <= 1 for entry in curve)
    is_changed = any((old != new).any() for old, new in zip(before, stage.weights, strict=True))
    assert stage.replaces == (("fine_tuned",) if is_changed else ())


def test_the_stage_trains_the_whole_network_on_views_that_are_made_anew(
    task, splits, classifier, monkeypatch
):
    for module in (semi_supervised_stage, teacher_training):
        monkeypatch.setattr(module, "ROUNDS", 2)
    [labelled] = extract_activations([splits[0]], classifier, INPUT, task)
    labelled = add_views(labelled, splits[0], classifier, INPUT, task)
    unlabelled = extract_unlabelled(splits[0], classifier, INPUT, task)
    assert unlabelled.random_views.preset == "strong"
    assert unlabelled.random_views.first_view > 0  # never the picture itself
    before = classifier.get_weights()
    monkeypatch.setattr(semi_supervised_stage, "_does_harm", lambda *_: False)
    stage = train_semi_supervised(
        classifier, INPUT, labelled, unlabelled, labelled, task, start=0.0
    )
    assert stage.epochs == 2
    assert (before[0] != stage.weights[0]).any()  # the first convolution


def test_a_head_of_known_domains_is_no_rival_where_a_domain_has_no_label():
    def pictures(*domains: str) -> SimpleNamespace:
        return SimpleNamespace(domains=np.array(domains, object))

    replaced = semi_supervised_stage._replaced_stages
    assert replaced(pictures("fog", "day"), pictures("day", "fog")) == ("fine_tuned",)
    assert replaced(pictures("fog", "day"), pictures("day")) == ("frozen", "fine_tuned")


@pytest.mark.parametrize(
    ("harm", "share", "expected"),
    [([False], 0.75, 4.0), ([True, True, False], 0.25, 2.0), ([True, True, True], 0, 1.0)],
)
def test_most_of_the_teacher_is_used_or_less_where_that_does_harm(harm, share, expected):
    model = SimpleNamespace(trainable_variables=[tf.Variable([9.0])])
    split = SimpleNamespace(
        trained_part=model, predict=lambda: model.trainable_variables[0].numpy()
    )
    start, teacher = [np.array([1.0])], [np.array([5.0])]
    with mock.patch.object(semi_supervised_stage, "_does_harm", side_effect=harm):
        chosen, logits = semi_supervised_stage._select_share(start, teacher, np.ones(1), split)
    assert (chosen, logits) == (share, expected)
    assert model.trainable_variables[0].numpy() == expected


def test_harm_is_a_loss_in_the_whole_or_in_one_domain_beyond_chance(task):
    domains = np.repeat(np.array(["day", "night", "fog"], object), 40)
    targets = np.zeros(120, np.int32)
    split = SimpleNamespace(
        activations=SimpleNamespace(domains=domains),
        task=task,
        correct=lambda logits: logits.argmax(axis=-1) == targets,
    )

    def logits(correct: np.ndarray) -> np.ndarray:
        return np.stack([correct, ~correct], axis=1).astype(np.float32)

    def does_harm(before: np.ndarray, after: np.ndarray) -> bool:
        return semi_supervised_stage._does_harm(logits(before), logits(after), split)

    rows = np.arange(120)
    assert not does_harm(rows >= 0, rows % 20 > 0)
    assert does_harm(rows >= 0, rows % 12 > 0)
    assert does_harm(rows < 60, (rows >= 8) & (rows < 90))  # one loses, though another one gains
    assert not does_harm(rows < 60, (rows >= 3) & (rows < 90))

from dataclasses import replace

import keras
import numpy as np
import pytest

from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import (
    add_views,
    extract_activations,
    with_random_views,
)
from trainer_module.backbones import INPUT, split_at
from trainer_module.contract.errors import InputError
from trainer_module.data.weighting import NewPictures
from trainer_module.stages.fine_tuning_stage import (
    SHARES,
    EvalSplit,
    _choose_share,
    build_trained_part,
    create_epoch,
    describe_mixture,
    fine_tune,
    freeze_boundary,
)
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.training_options import TrainingOptions

pytestmark = pytest.mark.component


def test_an_unknown_boundary_is_an_error_that_names_the_blocks(efficientnet):
    with pytest.raises(InputError, match=r"block0, .*block15.* Received: block99"):
        freeze_boundary(efficientnet, "block99")


@pytest.mark.parametrize(("share", "position"), [(0.01, 0), (0.5, 9), (1.0, -1)])
def test_a_share_of_the_blocks_stays_frozen(efficientnet, share, position):
    assert freeze_boundary(efficientnet, share) == efficientnet.backbone.blocks[position]


def test_without_a_share_no_block_stays_frozen(efficientnet):
    assert freeze_boundary(efficientnet, 0.0) == INPUT


def test_only_blocks_above_the_boundary_change_and_no_batch_statistics(task, splits, classifier):
    model = classifier.backbone.model
    before = {weight.path: np.array(weight) for weight in model.weights}
    boundary = freeze_boundary(classifier, 0.5)
    train, evaluation = extract_activations(splits, classifier, boundary, task)
    train = add_views(train, splits[0], classifier, boundary, task)
    stage = fine_tune(classifier, boundary, train, evaluation, task, start=0.0)
    changed = {w.path for w in model.weights if (np.array(w) != before[w.path]).any()}
    names = [layer.name for layer in model.layers]
    above_boundary = set(names[names.index(boundary) + 1 :])
    assert changed
    assert all(path.split("/")[0] in above_boundary for path in changed)
    normalisation = {
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert not any(path.split("/")[0] in normalisation for path in changed)
    assert stage.details["interpolation"] in (0.25, 0.5, 0.75, 1.0)
    assert [round(epoch["loss"], 1) for epoch in stage.details["curve"]] != [0.0, 0.0]


def test_the_whole_network_changes_but_no_normalisation(task, splits, classifier):
    model = classifier.backbone.model
    before = {weight.path: np.array(weight) for weight in model.weights}
    left = task.store._left
    train, evaluation = extract_activations(splits, classifier, INPUT, task)
    train = add_views(train, splits[0], classifier, INPUT, task)
    embeddings = train.embeddings.nbytes + evaluation.embeddings.nbytes
    assert left - task.store._left == embeddings  # pictures stay on disk
    stage = fine_tune(classifier, INPUT, train, evaluation, task, start=0.0)
    changed = {w.path for w in model.weights if (np.array(w) != before[w.path]).any()}
    normalisation = {
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    others = {path for path in before if path.split("/")[0] not in normalisation}
    assert changed == others
    assert "stem_conv/kernel" in changed
    assert stage.details["boundary"] == INPUT
    assert all(np.isfinite(epoch["loss"]) for epoch in stage.details["curve"])


def test_reading_pictures_in_every_epoch_trains_as_stored_activations_do(task, splits, classifier):
    boundary, start = "block0", classifier.get_weights()

    def train(stored: bool) -> tuple[list[float], list[np.ndarray]]:
        classifier.set_weights(start)
        at = boundary if stored else INPUT
        [activations] = extract_activations([splits[0]], classifier, at, task)
        trained_part = build_trained_part(classifier, at, task)
        if stored:
            activations = add_views(activations, splits[0], classifier, boundary, task)
        else:
            options = task.options.fine_tuning
            activations = with_random_views(activations, options.augmentation, options.views, task)
            lower, _ = split_at(classifier.backbone.model, boundary)
            frozen = {layer.name for layer in lower.layers}
            for layer in trained_part.layers:
                layer.trainable = layer.trainable and layer.name not in frozen
        # Gradients are not clipped, as they are not where blocks are frozen.
        epoch = create_epoch(trained_part, classifier, boundary, activations, task)
        return [epoch() for _ in range(3)], classifier.get_weights()

    losses, weights = train(stored=True)
    losses_of_pictures, weights_of_pictures = train(stored=False)
    assert losses_of_pictures == pytest.approx(losses, rel=2e-3)
    for one, other, old in zip(weights, weights_of_pictures, start, strict=True):
        # Activations are stored in half precision, and Adam steps by the sign of tiny gradients.
        assert np.linalg.norm(one - other) <= 0.05 * np.linalg.norm(one - old)


def test_the_eval_split_is_predicted_by_one_function_that_is_traced_once(
    task, splits, classifier, monkeypatch
):
    model = type(classifier.backbone.model)
    call, traced = model.call, []

    def counted_call(self, *args, **options):
        if self.name == "head" and options.get("training") is False:
            traced.append(self.name)
        return call(self, *args, **options)

    boundary = freeze_boundary(classifier, 0.9)
    train, evaluation = extract_activations(splits, classifier, boundary, task)
    monkeypatch.setattr(model, "call", counted_call)
    fine_tune(classifier, boundary, train, evaluation, task, start=0.0)
    assert len(traced) == 1


@pytest.mark.parametrize("objective", ["balanced", "group_dro", "coral"])
def test_every_objective_trains_both_stages(task, splits, classifier, objective):
    tuning = task.options.fine_tuning.model_copy(update={"learning_rate": 5e-5})
    options = task.options.model_copy(update={"fine_tuning": tuning}).model_dump()
    options["objective"] = {"name": objective}
    task = replace(task, options=TrainingOptions.model_validate(options))
    train, evaluation = extract_activations(splits, classifier, "block1", task)
    assert train_frozen(classifier, train, evaluation, task, start=0.0).score.accuracy == 1.0
    assert fine_tune(classifier, "block1", train, evaluation, task, 0.0).score.accuracy > 0.9


def share_of(task, wrong):
    """Share that is chosen if each of `SHARES` predicts so many of 100 eval pictures wrongly."""
    labels, domains = np.full(100, "a", object), np.full(100, "day", object)
    rows = np.arange(100)
    evaluation = Activations(labels, domains, rows, rows < 0, np.empty((100, 0), np.float16))
    eval_split = EvalSplit(None, evaluation, np.zeros(100, np.int32), task)
    logits = [np.float32([[0, 9] if row < each else [9, 0] for row in rows]) for each in wrong]
    return SHARES[_choose_share(logits, eval_split)]


@pytest.mark.parametrize(
    ("wrong", "run", "retraining"),
    [
        ((5, 5, 6, 5), 0.25, 0.75),  # one picture is chance
        ((5, 30, 30, 30), 0.25, 0.25),
        ((30, 30, 30, 5), 1.0, 1.0),
    ],
)
def test_a_retraining_leaves_the_usual_share_for_a_proven_gain_only(task, wrong, run, retraining):
    assert share_of(task, wrong) == run
    task = replace(task, new_pictures=NewPictures(("monday",), 0.5))
    assert share_of(task, wrong) == retraining


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.25, "25 % of its weights and 75 % of those before it are mixed"),
        (1.0, "its weights are used as they are, not mixed with those before it"),
    ],
)
def test_weights_of_which_none_are_old_are_not_called_mixed(share, words):
    assert describe_mixture(share) == words


@pytest.mark.parametrize(("boundary", "changes"), [("block1", True), (INPUT, False)])
def test_styles_are_mixed_above_a_boundary(task, splits, classifier, boundary, changes):
    start = classifier.get_weights()

    def first_loss(mix_styles: float) -> float:
        classifier.set_weights(start)
        tuning = task.options.fine_tuning.model_copy(update={"mix_styles": mix_styles, "views": 1})
        mixing = replace(task, options=task.options.model_copy(update={"fine_tuning": tuning}))
        [train] = extract_activations([splits[0]], classifier, boundary, mixing)
        trained_part = build_trained_part(classifier, boundary, mixing)
        keras.utils.set_random_seed(3)
        return create_epoch(trained_part, classifier, boundary, train, mixing)()

    alone, again, mixed = (first_loss(share) for share in (0.0, 0.0, 1.0))
    assert alone == pytest.approx(again, rel=1e-4)
    assert (abs(mixed - alone) > 1e-3) == changes

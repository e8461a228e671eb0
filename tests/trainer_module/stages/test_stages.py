from dataclasses import replace

import keras
import numpy as np
import pytest
from trainer_fixtures import SIZE, rows, write_split

from trainer_module.activations.activation_store import FeatureStore
from trainer_module.classifier import build_classifier
from trainer_module.contract.errors import InputError
from trainer_module.data.input_data import read_pictures
from trainer_module.data.weighting import Fresh
from trainer_module.hardware import set_up_hardware
from trainer_module.stages.fine_tuning_stage import fine_tune
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.stages.scoring import class_ids, score
from trainer_module.stages.stages import (
    Features,
    StageResult,
    Task,
    add_views,
    choose,
    extract_features,
    freeze_boundary,
)
from trainer_module.stages.training_step import rate_factors
from trainer_module.training_options import BackboneOptions, FineTuningOptions, TrainingOptions

LABELS = ("blue", "green", "red")


@pytest.fixture(name="task")
def _task(tmp_path):
    keras.utils.set_random_seed(1)
    options = TrainingOptions(
        image_size=SIZE,
        frozen={"epochs": 30, "learning_rate": 0.05, "batch_size": 8},
        fine_tuning={"epochs": 2, "views": 2, "batch_size": 8},
    )
    return Task(options, set_up_hardware(), str(tmp_path), FeatureStore(str(tmp_path)))


@pytest.fixture(name="splits")
def _splits(tmp_path):
    domains = {"day": 20, "night": -20}
    train = write_split(tmp_path / "train", rows(domains, per_class=6, seed=1))
    evaluation = write_split(tmp_path / "eval", rows(domains, per_class=2, seed=2))
    return [read_pictures([pattern], SIZE) for pattern in (train, evaluation)]


@pytest.fixture(name="classifier")
def _classifier():
    return build_classifier(BackboneOptions(), SIZE, LABELS)


def with_views(task: Task, views: int) -> Task:
    tuning = task.options.fine_tuning.model_copy(update={"views": views})
    return replace(task, options=task.options.model_copy(update={"fine_tuning": tuning}))


def result(name: str, logits: np.ndarray, targets: np.ndarray, domains: np.ndarray) -> StageResult:
    found = score(logits.argmax(axis=-1), targets, domains)
    return StageResult(name, [], logits, found, seconds=0.0, epochs=1)


def test_the_better_stage_on_the_eval_split_is_chosen_and_the_earlier_one_on_a_tie(
    task, splits, classifier
):
    evaluation = extract_features(splits[1], classifier, None, task)
    targets = class_ids(evaluation.labels, classifier.labels)
    right, wrong = np.eye(3)[targets], np.eye(3)[(targets + 1) % 3]
    frozen, tuned, same = (
        result(name, logits.astype(np.float32), targets, evaluation.domains)
        for name, logits in (("frozen", wrong), ("fine_tuned", right), ("again", right))
    )
    assert choose([frozen, tuned, same], classifier, evaluation, task) is tuned


def test_an_unknown_boundary_names_the_blocks(classifier):
    with pytest.raises(InputError, match=r"block0, .*block15.* Received: block99"):
        freeze_boundary(classifier, "block99")


@pytest.mark.parametrize(("share", "place"), [(0.0, 0), (0.5, 9), (1.0, -1)])
def test_a_share_of_the_blocks_stays_frozen(classifier, share, place):
    assert freeze_boundary(classifier, share) == classifier.backbone.blocks[place]


def test_features_of_the_boundary_come_from_the_pass_over_the_pictures(task, splits, classifier):
    found = extract_features(splits[1], classifier, "block8", task)
    model = classifier.backbone.model
    expected = keras.Model(model.input, [model.output, model.get_layer("block8").output])
    pixels = {row.image_id: row.pixels for row in rows({"day": 20, "night": -20}, 2, seed=2)}
    batch = np.stack([pixels[name.decode()] for name in splits[1].image_ids]).astype(np.float32)
    pooled, maps = expected(batch, training=False)
    np.testing.assert_allclose(found.pooled, pooled, atol=0.01)
    np.testing.assert_allclose(found.views[0], maps, atol=0.02)


def test_views_differ_from_the_picture_and_a_seed_repeats_them(task, splits, classifier):
    first = extract_features(splits[1], classifier, "block3", task)
    once, again = (add_views(first, splits[1], classifier, "block3", task) for _ in (0, 1))
    assert len(once.views) == 2
    assert np.abs(once.views[1] - once.views[0]).max() > 0.1
    np.testing.assert_array_equal(once.views[1], again.views[1])


def test_pictures_that_are_drawn_more_often_have_more_views(task, splits, classifier):
    night = Fresh(("night/red",), share=0.5)  # 6 of 36 pictures
    task = replace(task, fresh=night)
    found = extract_features(splits[0], classifier, "block3", task)
    found = add_views(found, splits[0], classifier, "block3", task)
    assert found.counts[found.fresh].tolist() == [6] * 6
    assert found.counts[~found.fresh].tolist() == [2] * 30
    assert [len(view) for view in found.views] == [36, 36, 6, 6, 6, 6]
    every = extract_features(splits[0], classifier, "block3", task)
    every = add_views(every, splits[0], classifier, "block3", with_views(task, 6))
    np.testing.assert_array_equal(found.views[5], every.views[5][found.fresh])


def test_pictures_as_they_are_have_no_other_views(task, splits, classifier):
    task = with_views(replace(task, fresh=Fresh(("night/red",))), 1)
    found = extract_features(splits[0], classifier, "block3", task)
    assert len(add_views(found, splits[0], classifier, "block3", task).views) == 1


def test_selected_features_share_the_arrays(task, splits, classifier):
    found = extract_features(splits[1], classifier, None, task)
    night = found.select(found.domains == "night")
    assert night.pooled is found.pooled
    assert set(night.domains) == {"night"}
    np.testing.assert_array_equal(night.rows, np.flatnonzero(splits[1].domains == "night"))


def test_the_frozen_stage_learns_and_leaves_the_backbone_as_it_is(task, splits, classifier):
    before = classifier.backbone.model.get_weights()
    train, evaluation = (extract_features(split, classifier, None, task) for split in splits)
    stage = train_frozen(classifier, train, evaluation, task, start=0.0)
    assert stage.score.accuracy == 1.0
    assert stage.score.domain_accuracy == {"day": 1.0, "night": 1.0}
    for old, new in zip(before, classifier.backbone.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_fine_tuning_changes_the_upper_part_alone_and_no_statistics(task, splits, classifier):
    model = classifier.backbone.model
    before = {weight.path: np.array(weight) for weight in model.weights}
    boundary = freeze_boundary(classifier, 0.5)
    train, evaluation = (extract_features(split, classifier, boundary, task) for split in splits)
    train = add_views(train, splits[0], classifier, boundary, task)
    stage = fine_tune(classifier, boundary, train, evaluation, task, start=0.0)
    changed = {w.path for w in model.weights if (np.array(w) != before[w.path]).any()}
    names = [layer.name for layer in model.layers]
    upper = set(names[names.index(boundary) + 1 :])
    assert changed
    assert all(path.split("/")[0] in upper for path in changed)
    normalisation = {
        layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)
    }
    assert not any(path.split("/")[0] in normalisation for path in changed)
    assert stage.details["interpolation"] in (0.25, 0.5, 0.75, 1.0)
    assert [round(epoch["loss"], 1) for epoch in stage.details["curve"]] != [0.0, 0.0]


@pytest.mark.parametrize("objective", ["balanced", "group_dro", "coral"])
def test_every_objective_trains_both_stages(task, splits, classifier, objective):
    tuning = task.options.fine_tuning.model_copy(update={"learning_rate": 5e-5})
    options = task.options.model_copy(update={"fine_tuning": tuning}).model_dump()
    options["objective"] = {"name": objective}
    task = Task(TrainingOptions.model_validate(options), task.hardware, task.run_dir, task.store)
    train, evaluation = (extract_features(split, classifier, "block12", task) for split in splits)
    assert train_frozen(classifier, train, evaluation, task, start=0.0).score.accuracy == 1.0
    assert fine_tune(classifier, "block12", train, evaluation, task, 0.0).score.accuracy > 0.9


def test_lower_blocks_learn_more_slowly(classifier):
    from trainer_module.backbones import split_at

    _, upper = split_at(classifier.backbone.model, freeze_boundary(classifier, 0.5))
    tail = keras.Model(upper.input, classifier.head(upper.output))
    factors = rate_factors(tail, classifier, decay=0.5)
    assert len(factors) == len(tail.trainable_variables)
    assert factors[-1] == 1.0  # the head
    assert factors[-3] == 0.5  # the top block
    assert factors == sorted(factors)
    assert factors[0] < 0.01


def test_fine_tuning_options_refuse_an_impossible_value():
    with pytest.raises(ValueError, match="less than or equal to 1"):
        FineTuningOptions(rate_decay=2)


def test_features_from_the_cache_are_those_that_were_computed(task, splits, classifier, tmp_path):
    remembering = replace(task, cache=str(tmp_path / "cache"))

    def features() -> Features:
        found = extract_features(splits[0], classifier, "block12", remembering)
        return add_views(found, splits[0], classifier, "block12", remembering)

    plain = extract_features(splits[0], classifier, "block12", task)
    first, second = features(), features()
    np.testing.assert_allclose(first.pooled, plain.pooled, atol=2e-2)
    np.testing.assert_array_equal(first.views[0], plain.views[0])
    for before, after in zip(first.views, second.views, strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(first.pooled, second.pooled)


def test_a_picture_in_the_cache_is_not_computed_again(task, splits, classifier, tmp_path):
    remembering = replace(task, cache=str(tmp_path / "cache"))
    extract_features(splits[1], classifier, "block12", remembering)
    [network] = (tmp_path / "cache").iterdir()
    size = (network / "features.bin").stat().st_size
    extract_features(splits[1], classifier, "block12", remembering)
    assert (network / "features.bin").stat().st_size == size

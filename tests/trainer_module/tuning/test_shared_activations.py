"""Trials share what the frozen blocks compute."""

from dataclasses import replace

import numpy as np
import pytest

from trainer_module.backbones import INPUT
from trainer_module.data.random_views import ANY_VIEW
from trainer_module.data.stored_pictures import StoredPictures
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import TrainingTask
from trainer_module.tuning.shared_activations import SharedActivations

pytestmark = pytest.mark.component

#: Bytes that hold everything that a test computes.
ENOUGH = 10**9


def with_options(task: TrainingTask, objective: str = "erm", **tuning: object) -> TrainingTask:
    settings = task.options.model_dump()
    settings["fine_tuning"] |= tuning
    settings["objective"]["name"] = objective
    return replace(task, options=TrainingOptions.model_validate(settings))


def passes(task: TrainingTask) -> tuple[TrainingTask, list[int]]:
    """Return a task that notes the number of every random view that is computed."""
    seen: list[int] = []
    return replace(task, on_epoch=lambda stage, number, metrics: seen.append(number)), seen


def test_more_views_are_added_and_fewer_are_taken_from_those_that_are_there(
    task, splits, classifier
):
    task, seen = passes(task)
    shared = SharedActivations(classifier, *splits, ENOUGH)
    two = shared.splits("block0", with_options(task, views=2)).train
    four = shared.splits("block0", with_options(task, views=4)).train
    assert seen == [1, 2, 3]
    assert four.views[1] is two.views[1]
    again = shared.splits("block0", with_options(task, views=3)).train
    assert seen == [1, 2, 3]
    assert len(again.views) == 3
    assert set(again.view_counts) == {3}


def test_another_augmentation_shares_the_pictures_and_no_random_view(task, splits, classifier):
    shared = SharedActivations(classifier, *splits, ENOUGH)
    medium = shared.splits("block0", with_options(task, augmentation="medium")).train
    strong = shared.splits("block0", with_options(task, augmentation="strong")).train
    assert medium.views[0] is strong.views[0]
    assert (medium.views[1] != strong.views[1]).any()


def test_one_view_is_the_picture_alone(task, splits, classifier):
    task, seen = passes(task)
    train = (
        SharedActivations(classifier, *splits, ENOUGH)
        .splits("block0", with_options(task, views=1))
        .train
    )
    assert (len(train.views), seen) == (1, [])


def test_what_exceeds_the_space_is_computed_again_with_the_same_result(task, splits, classifier):
    task, seen = passes(task)
    shared = SharedActivations(classifier, *splits, 1)
    first = shared.splits("block0", with_options(task)).train.views[1].copy()
    shared.splits("block1", with_options(task))
    again = shared.splits("block0", with_options(task)).train.views[1]
    assert seen == [1, 1, 1]
    assert np.array_equal(first, again)


def test_at_the_input_every_epoch_makes_views_of_its_own(task, splits, classifier):
    shared = SharedActivations(classifier, *splits, ENOUGH)
    train = shared.splits(INPUT, with_options(task, augmentation="strong")).train
    assert isinstance(train.views[0], StoredPictures)
    assert train.random_views is not None
    assert train.random_views.preset == "strong"
    assert set(train.view_counts) == {ANY_VIEW}

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from trainer_fixtures import rows

from trainer_module.activations.activation_cache import write_limit
from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import add_views, extract_activations
from trainer_module.data.weighting import NewPictures
from trainer_module.training_task import TrainingTask

pytestmark = pytest.mark.component


def with_views(task: TrainingTask, views: int) -> TrainingTask:
    tuning = task.options.fine_tuning.model_copy(update={"views": views})
    return replace(task, options=task.options.model_copy(update={"fine_tuning": tuning}))


def test_embeddings_and_activations_at_the_boundary_are_outputs_of_the_backbone(
    task, splits, classifier
):
    [activations] = extract_activations([splits[1]], classifier, "block1", task)
    model = classifier.backbone.model
    expected = keras.Model(model.input, [model.output, model.get_layer("block1").output])
    pixels = {row.image_id: row.pixels for row in rows({"day": 20, "night": -20}, 2, seed=2)}
    batch = np.stack([pixels[image_id.decode()] for image_id in splits[1].image_ids.tolist()])
    embeddings, block_outputs = expected(batch.astype(np.float32), training=False)
    np.testing.assert_allclose(activations.embeddings, embeddings, atol=0.01)
    np.testing.assert_allclose(activations.views[0], block_outputs, atol=0.02)


def test_views_differ_from_the_picture_and_a_seed_repeats_them(task, splits, classifier):
    [first] = extract_activations([splits[1]], classifier, "block0", task)
    once, again = (add_views(first, splits[1], classifier, "block0", task) for _ in (0, 1))
    assert len(once.views) == 2
    assert np.abs(once.views[1] - once.views[0]).max() > 0.1
    np.testing.assert_array_equal(once.views[1], again.views[1])


def test_pictures_that_are_drawn_more_often_have_more_views(task, splits, classifier):
    task = replace(task, new_pictures=NewPictures(("night/red",), share=0.5))  # 6 of 36 pictures
    [activations] = extract_activations([splits[0]], classifier, "block0", task)
    activations = add_views(activations, splits[0], classifier, "block0", task)
    assert activations.view_counts[activations.is_new].tolist() == [6] * 6
    assert activations.view_counts[~activations.is_new].tolist() == [2] * 30
    assert [len(view) for view in activations.views] == [36, 36, 6, 6, 6, 6]
    [every] = extract_activations([splits[0]], classifier, "block0", task)
    every = add_views(every, splits[0], classifier, "block0", with_views(task, 6))
    np.testing.assert_array_equal(activations.views[5], every.views[5][activations.is_new])


def test_without_random_views_there_is_only_the_picture_itself(task, splits, classifier):
    task = with_views(replace(task, new_pictures=NewPictures(("night/red",))), 1)
    [activations] = extract_activations([splits[0]], classifier, "block0", task)
    assert len(add_views(activations, splits[0], classifier, "block0", task).views) == 1


def test_activations_from_the_cache_are_those_that_were_computed(
    task, splits, classifier, tmp_path
):
    write_limit(tmp_path / "cache", 2**29)
    cached = replace(task, cache=str(tmp_path / "cache"))

    def extract() -> Activations:
        [activations] = extract_activations([splits[0]], classifier, "block1", cached)
        return add_views(activations, splits[0], classifier, "block1", cached)

    [plain] = extract_activations([splits[0]], classifier, "block1", task)
    first, second = extract(), extract()
    np.testing.assert_allclose(first.embeddings, plain.embeddings, atol=2e-2)
    np.testing.assert_array_equal(first.views[0], plain.views[0])
    for before, after in zip(first.views, second.views, strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(first.embeddings, second.embeddings)


def test_a_cached_picture_is_not_computed_again(task, splits, classifier, tmp_path):
    write_limit(tmp_path / "cache", 2**29)
    cached = replace(task, cache=str(tmp_path / "cache"))
    extract_activations([splits[1]], classifier, "block1", cached)
    [network] = filter(Path.is_dir, (tmp_path / "cache").iterdir())
    size = (network / "features.bin").stat().st_size
    extract_activations([splits[1]], classifier, "block1", cached)
    assert (network / "features.bin").stat().st_size == size

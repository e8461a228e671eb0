"""Passes of the frozen backbone over pictures, whose outputs are stored as activations."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.activations.activations import Activations
from trainer_module.activations.inference import embed
from trainer_module.activations.stored_views import compute_view, run_over_pictures
from trainer_module.backbones import INPUT, split_at
from trainer_module.classifier import Classifier
from trainer_module.data.augmentation import RandomView
from trainer_module.data.random_views import ANY_VIEW, RandomViews
from trainer_module.data.stored_pictures import StoredPictures
from trainer_module.data.training_batches import View
from trainer_module.data.transformed_examples import Pictures
from trainer_module.training_task import TrainingTask

logger = logging.getLogger("carryover.training")

#: Largest number of views of a picture that is drawn more often than others.
MAX_VIEWS = 8

#: Augmentation of the strong views of unlabelled pictures, their number, and the number of the
#: first one. Views of labelled pictures have smaller numbers.
STRONG, STRONG_VIEWS, FIRST_STRONG_VIEW = "strong", 2, 1001


def extract_activations(
    splits: Sequence[Pictures], classifier: Classifier, boundary: str | None, task: TrainingTask
) -> list[Activations]:
    """Return the activations of all pictures of each split. The backbone is traced once.

    The backbone sees every picture once. With a cache it sees only the pictures that are not
    cached: their activations at the boundary are cached, and embeddings are computed from those.

    Args:
        splits: Pictures of the splits.
        classifier: Classifier with the backbone.
        boundary: Block whose output is stored as the first view; None stores embeddings only, and
            at `INPUT` the pictures are read from disk whenever they are needed.
        task: Task of the training.
    """
    if boundary == INPUT:
        embedded = extract_activations(splits, classifier, None, task)
        return [
            replace(activations, views=[StoredPictures(pictures)])
            for activations, pictures in zip(embedded, splits, strict=True)
        ]
    if task.cache and boundary is not None:
        return [_extract_with_cache(pictures, classifier, boundary, task) for pictures in splits]
    backbone = classifier.backbone.model
    outputs = [backbone.output]
    if boundary is not None:
        with task.hardware.strategy.scope():
            outputs.append(split_at(backbone, boundary)[0].output)
    model = keras.Model(backbone.input, outputs)

    @tf.function(reduce_retracing=True)
    def forward(numbers: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        # Keras returns a bare tensor for a list of one output.
        return list(tf.nest.flatten(model(tf.cast(pixels, tf.float32), training=False)))

    activations = []
    for pictures in splits:
        arrays = [task.store.reserve(len(pictures), output.shape[1:]) for output in outputs]
        run_over_pictures(arrays, forward, pictures, task)
        activations.append(_of_all_pictures(pictures, task, arrays[0], arrays[1:]))
    return activations


def _extract_with_cache(
    pictures: Pictures, classifier: Classifier, boundary: str, task: TrainingTask
) -> Activations:
    with task.hardware.strategy.scope():
        frozen_part, _ = split_at(classifier.backbone.model, boundary)

    def forward(_: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        return [frozen_part(tf.cast(pixels, tf.float32), training=False)]

    rows = np.arange(len(pictures))
    view = compute_view(0, rows, pictures, classifier, frozen_part, forward, task)
    no_embeddings: npt.NDArray[np.float16] = np.empty((0, 0), np.float16)
    activations = _of_all_pictures(pictures, task, no_embeddings, [view])
    embeddings = embed(classifier, activations, boundary, task).astype(np.float16)
    return replace(activations, embeddings=embeddings)


def _of_all_pictures(
    pictures: Pictures,
    task: TrainingTask,
    embeddings: npt.NDArray[np.float16],
    views: list[View],
) -> Activations:
    return Activations(
        labels=pictures.labels,
        domains=pictures.domains,
        rows=np.arange(len(pictures)),
        is_new=task.new_pictures.find(pictures.image_ids),
        embeddings=embeddings,
        views=views,
    )


def add_views(
    activations: Activations,
    pictures: Pictures,
    classifier: Classifier,
    boundary: str,
    task: TrainingTask,
) -> Activations:
    """Return activations with random views, for each of which the backbone sees a picture once.

    At the input, nothing is computed and stored: every epoch makes other views of the pictures.

    A picture that is drawn more often than others gets more views, so that the same view seldom
    repeats.

    Args:
        activations: Activations of all pictures of the split, with the first view. Random views
            that they have already are not computed again.
        pictures: Pictures of the split.
        classifier: Classifier with the backbone.
        boundary: Block whose outputs are stored, or `INPUT`.
        task: Task of the training.
    """
    options = task.options.fine_tuning
    if boundary == INPUT:
        count = 1 if options.views == 1 else ANY_VIEW
        return with_random_views(activations, options.augmentation, count, task)
    view_counts = count_views(activations.weights(task), options.views)
    with task.hardware.strategy.scope():
        frozen_part, _ = split_at(classifier.backbone.model, boundary)
        augmentation = RandomView(options.augmentation, dtype="float32")

    def forward(draws: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        view = augmentation(tf.cast(pixels, tf.float32), draws, training=True)
        return [frozen_part(view, training=False)]

    views = list(activations.views)
    for number in range(len(views), view_counts.max()):
        rows = np.flatnonzero(view_counts > number)
        views.append(compute_view(number, rows, pictures, classifier, frozen_part, forward, task))
        logger.info(
            "fine_tuned: random view %s of %s, for %s pictures",
            number + 1,
            view_counts.max(),
            f"{len(rows):,}",
        )
        if task.on_epoch:
            task.on_epoch("views", number, {})
    return replace(activations, views=views, view_counts=view_counts)


def with_random_views(
    activations: Activations, preset: str, count: int, task: TrainingTask, first_view: int = 0
) -> Activations:
    """Return activations at the input with views that are made whenever a picture is read.

    Args:
        activations: Activations at the input, see `extract_activations`.
        preset: Strength of the augmentation.
        count: Number of views of each picture to draw from.
        task: Task of the training.
        first_view: Number of the first view. View 0 is the picture itself.
    """
    stored = activations.views[0]
    if not isinstance(stored, StoredPictures):
        raise TypeError("Views are made of pictures, and these are activations of a block.")
    return replace(
        activations,
        view_counts=np.full(len(stored), count),
        random_views=RandomViews(stored, preset, task.options.seed, first_view),
    )


def extract_unlabelled(
    pictures: Pictures, classifier: Classifier, boundary: str, task: TrainingTask
) -> Activations:
    """Return the activations of unlabelled pictures: the picture itself, and strong views of it.

    They are not cached: the pictures take part in one training only.

    Args:
        pictures: Unlabelled pictures.
        classifier: Classifier with the backbone.
        boundary: Block whose outputs are stored, or `INPUT`: then views are made in every batch.
        task: Task of the training.
    """
    no_embeddings: npt.NDArray[np.float16] = np.empty((0, 0), np.float16)
    if boundary == INPUT:
        stored = _of_all_pictures(pictures, task, no_embeddings, [StoredPictures(pictures)])
        return with_random_views(stored, STRONG, ANY_VIEW, task, FIRST_STRONG_VIEW)
    task = replace(task, cache=None)
    with task.hardware.strategy.scope():
        frozen_part, _ = split_at(classifier.backbone.model, boundary)
        augmentation = RandomView(STRONG, dtype="float32")

    def forward(_: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        return [frozen_part(tf.cast(pixels, tf.float32), training=False)]

    def forward_strong(draws: tf.Tensor, pixels: tf.Tensor) -> list[tf.Tensor]:
        view = augmentation(tf.cast(pixels, tf.float32), draws, training=True)
        return [frozen_part(view, training=False)]

    rows = np.arange(len(pictures))
    views: list[View] = [compute_view(0, rows, pictures, classifier, frozen_part, forward, task)]
    for number in range(STRONG_VIEWS):
        logger.info("semi_supervised: strong view %s of %s", number + 1, STRONG_VIEWS)
        views.append(
            compute_view(
                FIRST_STRONG_VIEW + number,
                rows,
                pictures,
                classifier,
                frozen_part,
                forward_strong,
                task,
            )
        )
    return _of_all_pictures(pictures, task, no_embeddings, views)


def count_views(weights: npt.NDArray[np.float32], views: int) -> npt.NDArray[np.int64]:
    """Return the number of views of each picture, int64 [rows].

    Args:
        weights: Weight of each picture in the training, float32 [rows], with a mean of 1.
        views: Number of views of a picture; one whose weight exceeds 1 has more.
    """
    if views == 1:  # the picture itself, without augmentation
        return np.ones(len(weights), np.int64)
    most = max(views, MAX_VIEWS)
    return np.clip(np.floor(views * weights), views, most).astype(np.int64)

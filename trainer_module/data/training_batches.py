"""Batches of stored activations: shuffled and weighted for training, in order for predictions."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.data.full_batches import Dataset, own_batches, round_up
from trainer_module.data.random_views import RandomViews
from trainer_module.data.stored_pictures import StoredPictures

#: Activations of one view, float16 [rows, ...], or pictures, uint8 [rows, size, size, 3].
View: TypeAlias = npt.NDArray[np.float16] | StoredPictures

#: Function of rows and the number of the view of each, int64 [batch], that returns what a batch
#: holds of them: arrays of [batch, ...].
ReadViews: TypeAlias = Callable[
    [npt.NDArray[np.int64], npt.NDArray[np.int64]], list[npt.NDArray[np.generic]]
]


def training_batches(
    views: Sequence[View],
    rows: npt.NDArray[np.int64],
    columns: Sequence[npt.NDArray[np.generic]],
    weights: npt.NDArray[np.float32],
    *,
    count: int,
    batch_size: int,
    seed: int,
    view_counts: npt.NDArray[np.int64] | None = None,
    random_views: RandomViews | None = None,
    context: tf.distribute.InputContext | None = None,
) -> Dataset:
    """Return a dataset of shuffled batches, with a random view of each picture in every epoch.

    The order and the views do not depend on the number of workers. Each worker reads only what its
    own devices get of a batch.

    Args:
        views: Activations of each view, [rows of the view, ...], see `Activations.views`.
        rows: Rows of the arrays to train on, int64 [pictures].
        columns: Further values of the same pictures, such as targets, [pictures] each.
        weights: Relative frequency of each picture in the batches, float32 [pictures]. Drawing a
            rare picture often is more stable than giving its loss a large weight.
        count: Number of pictures per epoch.
        batch_size: Pictures per batch. Some pictures repeat to fill the last batch.
        seed: Seed of the order and of the choice of views.
        view_counts: Number of views of each row, int64 [all rows]; None if every row has a row in
            each of the `views`.
        random_views: Views that are made when a picture is read; None if `views` holds them.
        context: Place of this worker among all of them, as
            `tf.distribute.Strategy.distribute_datasets_from_function` gives it; None for the only
            worker, with one device.

    Returns:
        Dataset of (activations, *columns), or (pictures, *columns) with pictures as float32: of
        one batch per device of this worker. Every pass over it is another epoch.
    """
    context = context or tf.distribute.InputContext()
    uneven = batch_size % context.num_replicas_in_sync
    size = None if uneven else batch_size // context.num_replicas_in_sync
    order = _epoch_order(weights, count, seed).repeat().take(round_up(count, batch_size))
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    counts = np.full(len(views[0]), len(views)) if view_counts is None else view_counts
    read = random_views.read if random_views else _stored_views(views, counts)
    # What is read of one row tells the dtypes and the shapes of a batch.
    example = [*read(rows[:1], np.zeros(1, np.int64)), *(column[:1] for column in columns)]

    def gather(
        pictures: npt.NDArray[np.int64], draw: npt.NDArray[np.int64]
    ) -> list[npt.NDArray[np.generic]]:
        batch_rows = rows[pictures]
        batch = read(batch_rows, draw % counts[batch_rows])
        return [*batch, *(column[pictures] for column in columns)]

    def fetch(pictures: tf.Tensor, draw: tf.Tensor) -> tuple[tf.Tensor, ...]:
        dtypes = [tf.as_dtype(array.dtype) for array in example]
        batch = tf.numpy_function(gather, (pictures, draw), dtypes, stateful=False)
        return tuple(
            tf.ensure_shape(value, [size, *array.shape[1:]])
            for value, array in zip(batch, example, strict=True)
        )

    pairs = tf.data.Dataset.zip((order, draws)).batch(batch_size)
    own_pairs = own_batches(pairs, batch_size, context)
    fetched = own_pairs.map(fetch, num_parallel_calls=2, deterministic=True)
    if random_views:
        fetched = fetched.map(
            lambda pixels, seeds, is_random, *rest: (
                random_views.augment(pixels, seeds, is_random),
                *rest,
            ),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    return fetched.prefetch(4)


def _stored_views(views: Sequence[View], counts: npt.NDArray[np.int64]) -> ReadViews:
    """Return a function that copies the activations of chosen views.

    Args:
        views: Activations of each view.
        counts: Number of views of each row, int64 [all rows].
    """
    # A view of only some pictures holds their rows alone: position of every row in each view.
    positions = [np.cumsum(counts > number) - 1 for number in range(len(views))]

    def read(
        rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]
    ) -> list[npt.NDArray[np.generic]]:
        batch = np.empty((len(rows), *views[0].shape[1:]), views[0].dtype)
        for number, view in enumerate(views):
            chosen = numbers == number
            batch[chosen] = view[positions[number][rows[chosen]]]
        return [batch]

    return read


def _epoch_order(weights: npt.NDArray[np.float32], count: int, seed: int) -> Dataset:
    """Return a dataset of picture numbers in random order; every pass draws another order.

    A picture with an expected frequency of 2.3 comes two or three times, and every epoch has the
    same number of pictures (systematic sampling, Madow 1949).
    """
    if count == len(weights) and (weights == weights[0]).all():
        numbers = tf.data.Dataset.range(count)
        return numbers.shuffle(count, seed=seed, reshuffle_each_iteration=True)
    ends = np.cumsum(weights, dtype=np.float64) * (count / weights.sum(dtype=np.float64))

    def draw_epoch(draw: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        random = np.random.default_rng(int(draw))
        times = np.diff(np.floor(ends + random.random()), prepend=0).astype(int)
        return random.permutation(np.repeat(np.arange(len(weights)), times))

    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    epochs = draws.map(lambda draw: tf.numpy_function(draw_epoch, [draw], tf.int64, stateful=False))
    return epochs.flat_map(tf.data.Dataset.from_tensor_slices)


def ordered_batches(view: View, rows: npt.NDArray[np.int64], batch_size: int) -> Dataset:
    """Return a dataset of the activations of some rows, in their order.

    Args:
        view: Activations or pictures, [all rows, ...].
        rows: Rows of the array to read, int64 [pictures].
        batch_size: Rows per batch.

    Returns:
        Dataset of positions in `rows` (int64 [batch]) and activations (dtype of the array, [batch,
        ...]). The last batch is filled up with the first rows.
    """
    count = len(rows)

    def fetch(positions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        batch = tf.numpy_function(
            lambda chosen: view[rows[chosen]],
            (positions,),
            tf.as_dtype(view.dtype),
            stateful=False,
        )
        return positions, tf.ensure_shape(batch, [batch_size, *view.shape[1:]])

    every_position = tf.data.Dataset.range(count).repeat().take(round_up(count, batch_size))
    batches = every_position.batch(batch_size, drop_remainder=True)
    return batches.map(fetch, num_parallel_calls=2).prefetch(4)

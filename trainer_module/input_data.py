"""Transformed examples -> what the stages train on. Memory is bounded by a batch."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from trainer_module import features
from trainer_module.augmentation import augment
from trainer_module.errors import InputError

Batches = Any  # tf.data.Dataset, which has no usable type


@dataclass(frozen=True)
class Pictures:
    """The pictures of one split, in the order of their names.

    Attributes:
        files: TFRecord shards.
        image_ids: bytes [rows], sorted.
        labels: str [rows].
        domains: str [rows].
        image_size: in pixels.
    """

    files: list[str]
    image_ids: np.ndarray
    labels: np.ndarray
    domains: np.ndarray
    image_size: int

    def __len__(self) -> int:
        return len(self.image_ids)


def read_pictures(patterns: list[str], image_size: int) -> Pictures:
    """Index a split in one quick pass; pixels are not decoded.

    The order of records in shards is up to Beam. Sorting by name makes a run repeatable.

    Args:
        patterns: file patterns of TFRecords.
        image_size: of the transformed pictures, in pixels.

    Raises:
        InputError: the split is empty.
    """
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in features.DESCRIPTORS}
    columns: dict[str, list[np.ndarray]] = {name: [] for name in features.DESCRIPTORS}
    for records in tf.data.TFRecordDataset(files).batch(1024):
        for name, values in tf.io.parse_example(records, spec).items():
            columns[name].append(values.numpy())
    if not columns[features.IMAGE_ID]:
        raise InputError(
            f"no pictures in {', '.join(patterns)}. Add pictures, or enlarge the split's share."
        )
    ids, domains, labels = (np.concatenate(columns[name]) for name in features.DESCRIPTORS)
    order = np.argsort(ids)
    return Pictures(files, ids[order], _texts(labels[order]), _texts(domains[order]), image_size)


def _texts(values: np.ndarray) -> np.ndarray:
    return np.array([value.decode("utf-8", "surrogateescape") for value in values], object)


def picture_batches(
    pictures: Pictures, batch_size: int, view: int = 0, augmentation: str = "none", seed: int = 0
) -> Batches:
    """Decode the pictures of a split once.

    Args:
        pictures: the split.
        batch_size: pictures per batch, over all devices.
        view: 0 is the picture itself, every other number a random view of it.
        augmentation: see `augmentation.augment`.
        seed: of the random views.

    Returns:
        Dataset of image_ids (string [batch]) and pixels (float32 [batch, size, size, 3], 0-255).
        The last batch is filled up with the first pictures, so that every device always has some.
    """
    spec = {
        features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        features.IMAGE_ID: tf.io.FixedLenFeature([], tf.string),
    }
    size = pictures.image_size

    def decode(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(record, spec)
        pixels = tf.io.parse_tensor(example[features.IMAGE], tf.uint8)
        pixels = tf.cast(tf.ensure_shape(pixels, [size, size, 3]), tf.float32)
        if view:
            name = tf.strings.to_hash_bucket_fast(example[features.IMAGE_ID], 2**31 - 1)
            draw = tf.stack([tf.cast(name, tf.int32), tf.constant(seed * 1009 + view)])
            pixels = augment(pixels, draw, augmentation)
        return example[features.IMAGE_ID], pixels

    records = tf.data.TFRecordDataset(pictures.files)
    filled = records.repeat().take(_filled(len(pictures), batch_size))
    return filled.map(decode, tf.data.AUTOTUNE).batch(batch_size).prefetch(2)


class ArrayOnDisk:
    """A float array in an unnamed file: pages live in memory while there is room for them.

    The file has no name, so nothing is left behind, even when the process is killed.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, folder: str) -> None:
        """Reserve the space.

        Args:
            shape: of the array, rows first.
            dtype: NumPy's name of it.
            folder: on a disk with room for the array.

        Raises:
            OSError: the disk is full.
        """
        # The mapping keeps the pages alive after the file is closed.
        with tempfile.TemporaryFile(dir=folder) as file:
            self.values: np.ndarray = np.memmap(file, dtype=dtype, mode="w+", shape=shape)


def feature_array(
    pictures: Pictures, batches: Batches, model: Any, strategy: Any, dtype: str, folder: str
) -> ArrayOnDisk:
    """Run a model over a split once and keep what it gives.

    Args:
        pictures: the split; row i of the result belongs to its i-th picture.
        batches: see `picture_batches`.
        model: Keras model on pictures.
        strategy: distribution strategy under which the model was made.
        dtype: in which the result is kept.
        folder: where the file lies.
    """
    result = ArrayOnDisk((len(pictures), *model.output.shape[1:]), dtype, folder)

    @tf.function(reduce_retracing=True)
    def forward(pixels: tf.Tensor) -> tf.Tensor:
        return strategy.run(lambda batch: model(batch, training=False), args=(pixels,))

    for image_ids, pixels in strategy.experimental_distribute_dataset(batches):
        names = strategy.experimental_local_results(image_ids)
        outputs = strategy.experimental_local_results(forward(pixels))
        for name, output in zip(names, outputs, strict=True):
            rows = np.searchsorted(pictures.image_ids, name.numpy())
            result.values[rows] = output.numpy()
    return result


def training_batches(
    views: list[ArrayOnDisk], targets: np.ndarray, batch_size: int, seed: int
) -> Batches:
    """Shuffled batches of cached features, with a random view of each picture in every epoch.

    Args:
        views: arrays of the same shape, rows first.
        targets: int32 [rows], class ids.
        batch_size: rows per batch; some rows come twice to fill the last one.
        seed: of the order and the choice of views.
    """
    count = len(targets)
    rows = tf.data.Dataset.range(count).shuffle(count, seed=seed, reshuffle_each_iteration=True)
    rows = rows.repeat().take(_filled(count, batch_size))
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    pairs = tf.data.Dataset.zip((rows, draws)).batch(batch_size)

    def gather(row: np.ndarray, draw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        batch = np.empty((len(row), *views[0].values.shape[1:]), views[0].values.dtype)
        choice: np.ndarray = draw % len(views)
        for number, view in enumerate(views):
            chosen = choice == number
            batch[chosen] = view.values[row[chosen]]
        return batch, targets[row]

    return _with_arrays(pairs, gather, views[0].values)


def ordered_batches(view: ArrayOnDisk, batch_size: int) -> Batches:
    """Cached features in the order of their rows; the last batch is filled up with the first."""
    count = len(view.values)
    rows = tf.data.Dataset.range(count).repeat().take(_filled(count, batch_size)).batch(batch_size)
    pairs = tf.data.Dataset.zip((rows, rows))

    def gather(row: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return view.values[row], row.astype(np.int32)

    return _with_arrays(pairs, gather, view.values).map(lambda batch, _: batch)


def _filled(rows: int, batch_size: int) -> int:
    """Rows in as many full batches as it takes."""
    return -(-rows // batch_size) * batch_size


def _with_arrays(pairs: Batches, gather: Callable, array: np.ndarray) -> Batches:
    """Fetch rows of memory-mapped arrays inside a dataset, in a fixed order."""

    def fetch(row: tf.Tensor, draw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        kinds = (tf.as_dtype(array.dtype), tf.int32)
        batch, targets = tf.numpy_function(gather, (row, draw), kinds, stateful=False)
        return tf.ensure_shape(batch, [None, *array.shape[1:]]), tf.ensure_shape(targets, [None])

    return pairs.map(fetch, num_parallel_calls=2, deterministic=True).prefetch(4)

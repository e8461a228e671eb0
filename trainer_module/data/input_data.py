"""Transformed examples -> batches of pictures, and kept features -> batches to train on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.contract.errors import InputError

#: Records whose descriptors are read at once.
INDEX_BATCH = 256

#: Column of the digests, and the keys of the two halves of one (SipHash).
DIGEST = "digest"
DIGEST_KEYS = ([1, 2], [3, 4])

Batches = Any  # tf.data.Dataset, which has no usable type


@dataclass(frozen=True)
class Pictures:
    """The pictures of one split, in the order of their names.

    Attributes:
        files: TFRecord shards.
        image_ids: bytes [rows], sorted.
        labels: str [rows].
        domains: str [rows].
        order: row of every record in the order of the shards, int64 [rows].
        image_size: in pixels.
        digests: of the pixels, 16 bytes each; equal pictures have equal ones.
    """

    files: list[str]
    image_ids: np.ndarray
    labels: np.ndarray
    domains: np.ndarray
    order: np.ndarray
    image_size: int
    digests: list[bytes]

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
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in (*example_features.DESCRIPTORS, DIGEST)
    }
    for batch in tf.data.TFRecordDataset(files).batch(INDEX_BATCH).map(_describe).prefetch(1):
        for name, values in batch.items():
            columns[name].append(values.numpy())
    if not columns[example_features.IMAGE_ID]:
        raise InputError(
            f"no pictures in {', '.join(patterns)}. Add pictures, or enlarge the split's share."
        )
    ids, domains, labels = (np.concatenate(columns[name]) for name in example_features.DESCRIPTORS)
    by_name = np.argsort(ids, kind="stable")
    order: np.ndarray = np.empty(len(ids), np.int64)
    order[by_name] = np.arange(len(ids))
    labels, domains = _texts(labels[by_name]), _texts(domains[by_name])
    digests = [row.tobytes() for row in np.concatenate(columns[DIGEST])[by_name]]
    return Pictures(files, ids[by_name], labels, domains, order, image_size, digests)


def _describe(records: tf.Tensor) -> dict[str, tf.Tensor]:
    """Who a batch of pictures is, and a digest of the pixels: int64 [batch, 2]."""
    names = (*example_features.DESCRIPTORS, example_features.IMAGE)
    found = tf.io.parse_example(
        records, {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    )
    pixels = found.pop(example_features.IMAGE)
    halves = [tf.strings.to_hash_bucket_strong(pixels, 2**63 - 1, key) for key in DIGEST_KEYS]
    return found | {DIGEST: tf.stack(halves, axis=1)}


def _texts(values: np.ndarray) -> np.ndarray:
    return np.array([value.decode("utf-8", "surrogateescape") for value in values], object)


def picture_batches(
    pictures: Pictures,
    batch_size: int,
    view: int = 0,
    seed: int = 0,
    places: np.ndarray | None = None,
) -> Batches:
    """The pictures of a split, once, in the order of the shards.

    Args:
        pictures: the split.
        batch_size: pictures per batch, over all devices.
        view: number of the random view that the draws are for.
        seed: of the random views.
        places: number that each row is to have instead of its own, int64 [rows]; those of -1 are
            left out, and one at least is not. None for all pictures with their own.

    Returns:
        Dataset of rows (int64 [batch]), draws (int32 [batch, 2], for `augmentation.RandomView`)
        and pixels (uint8 [batch, size, size, 3]). The last batch is filled up with the first
        pictures, so that every device always has some.
    """
    size = pictures.image_size
    spec = {
        example_features.IMAGE: tf.io.FixedLenFeature([], tf.string),
        example_features.IMAGE_ID: tf.io.FixedLenFeature([], tf.string),
    }

    def decode(row: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        example = tf.io.parse_single_example(record, spec)
        pixels = tf.io.parse_tensor(example[example_features.IMAGE], tf.uint8)
        name = tf.strings.to_hash_bucket_fast(example[example_features.IMAGE_ID], 2**31 - 1)
        draw = tf.stack([tf.cast(name, tf.int32), tf.constant(seed * 1009 + view)])
        return row, draw, tf.ensure_shape(pixels, [size, size, 3])

    rows = pictures.order if places is None else places[pictures.order]
    numbered = tf.data.Dataset.from_tensor_slices(rows)
    records = tf.data.Dataset.zip((numbered, tf.data.TFRecordDataset(pictures.files)))
    wanted = records.filter(lambda row, _: row >= 0)
    filled = wanted.repeat().take(_filled(int((rows >= 0).sum()), batch_size))
    return _for_every_worker(filled.map(decode, tf.data.AUTOTUNE).batch(batch_size).prefetch(2))


def training_batches(
    views: Sequence[np.ndarray],
    rows: np.ndarray,
    columns: Sequence[np.ndarray],
    weights: np.ndarray,
    count: int,
    batch_size: int,
    seed: int,
    counts: np.ndarray | None = None,
) -> Batches:
    """Shuffled batches of kept features, with a random view of each picture in every epoch.

    Args:
        views: arrays of rows of the same shape, see `stages.Features`.
        rows: those to train on, int64 [pictures].
        columns: what belongs to them, such as targets, [pictures] each.
        weights: how often each comes, against the others, float32 [pictures]. Drawing a rare
            picture often is steadier than a large weight on it.
        count: pictures per epoch.
        batch_size: pictures per batch; some come once more to fill the last one.
        seed: of the order and the choice of views.
        counts: views of each row, int64 [all rows]; None where all have all.

    Returns:
        Dataset of (features, *columns). Every pass over it is another epoch.
    """
    order = _epoch_order(weights, count, seed).repeat().take(_filled(count, batch_size))
    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    kinds = [tf.as_dtype(array.dtype) for array in (views[0], *columns)]
    counts = np.full(len(views[0]), len(views)) if counts is None else counts
    places = [np.cumsum(counts > number) - 1 for number in range(len(views))]

    def gather(picture: np.ndarray, draw: np.ndarray) -> list[np.ndarray]:
        batch: np.ndarray = np.empty((len(picture), *views[0].shape[1:]), views[0].dtype)
        own = rows[picture]
        choice: np.ndarray = draw % counts[own]
        for number, view in enumerate(views):
            chosen = choice == number
            batch[chosen] = view[places[number][own[chosen]]]
        return [batch, *(column[picture] for column in columns)]

    def fetch(picture: tf.Tensor, draw: tf.Tensor) -> tuple[tf.Tensor, ...]:
        batch, *rest = tf.numpy_function(gather, (picture, draw), kinds, stateful=False)
        shaped = tf.ensure_shape(batch, [batch_size, *views[0].shape[1:]])
        return shaped, *(tf.ensure_shape(value, [batch_size]) for value in rest)

    pairs = tf.data.Dataset.zip((order, draws)).batch(batch_size)
    fetched = pairs.map(fetch, num_parallel_calls=2, deterministic=True)
    return _for_every_worker(fetched.prefetch(4))


def _epoch_order(weights: np.ndarray, count: int, seed: int) -> Batches:
    """Positions of pictures in random order, another one in every pass over the data set.

    A picture that is due 2.3 times comes two times or three, and whatever the draw, an epoch has
    the same number of pictures (systematic sampling, Madow 1949).
    """
    if count == len(weights) and (weights == weights[0]).all():
        positions = tf.data.Dataset.range(count)
        return positions.shuffle(count, seed=seed, reshuffle_each_iteration=True)
    ends = np.cumsum(weights, dtype=np.float64) * (count / weights.sum(dtype=np.float64))

    def draw_epoch(draw: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(int(draw))
        times = np.diff(np.floor(ends + random.random()), prepend=0).astype(int)
        return random.permutation(np.repeat(np.arange(len(weights)), times))

    draws = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    epochs = draws.map(lambda draw: tf.numpy_function(draw_epoch, [draw], tf.int64, stateful=False))
    return epochs.flat_map(tf.data.Dataset.from_tensor_slices)


def ordered_batches(view: np.ndarray, rows: np.ndarray, batch_size: int) -> Batches:
    """Kept features of some rows, in their order.

    Returns:
        Dataset of positions in `rows` (int64 [batch]) and features (of the array's type, [batch,
        ...]). The last batch is filled up with the first rows.
    """
    count = len(rows)

    def fetch(picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        kind = tf.as_dtype(view.dtype)
        batch = tf.numpy_function(lambda at: view[rows[at]], (picture,), kind, stateful=False)
        return picture, tf.ensure_shape(batch, [batch_size, *view.shape[1:]])

    positions = tf.data.Dataset.range(count).repeat().take(_filled(count, batch_size))
    fetched = positions.batch(batch_size, drop_remainder=True).map(fetch, num_parallel_calls=2)
    return _for_every_worker(fetched.prefetch(4))


def _filled(rows: int, batch_size: int) -> int:
    """Rows in as many full batches as it takes."""
    return -(-rows // batch_size) * batch_size


def _for_every_worker(batches: Batches) -> Batches:
    """Several workers read the same batches, and each takes its part of every one."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)

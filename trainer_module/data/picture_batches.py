"""Batches of the pictures of a split, in the order of the shards."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.contract import example_features
from trainer_module.data.full_batches import Dataset, round_up
from trainer_module.data.picture_encoding import decode_stored
from trainer_module.data.record_files import read_places
from trainer_module.data.transformed_examples import Pictures

#: Records that are read at a time where not all are.
READ_RECORDS = 16


def view_seeds(
    pictures: Pictures, rows: npt.NDArray[np.int64], views: npt.NDArray[np.int64] | int, seed: int
) -> npt.NDArray[np.int32]:
    """Return the seeds of random views, int32 [rows, 2], as `augmentation.RandomView` takes them.

    Args:
        pictures: Index of the split. The first part of a seed is the digest of the picture, so that
            it has the same views wherever it lies.
        rows: Rows of the pictures, int64 [rows].
        views: Number of the view, of each row or of all.
        seed: Seed of all random views.
    """
    numbers = np.broadcast_to(seed * 1009 + views, len(rows))
    return (np.stack([pictures.digests[rows, 0], numbers], axis=1) % 2**31).astype(np.int32)


def picture_batches(
    pictures: Pictures,
    batch_size: int,
    view: int = 0,
    seed: int = 0,
    output_rows: npt.NDArray[np.int64] | None = None,
    records: npt.NDArray[np.int64] | None = None,
) -> Dataset:
    """Return a dataset that reads pictures of a split once, in the order of the shards.

    Args:
        pictures: Index of the split.
        batch_size: Pictures per batch, over all devices.
        view: Number of the random view.
        seed: Seed of the random views.
        output_rows: Row number to return for each picture, int64 [rows]. Pictures with -1 are
            skipped; at least one must be kept. None returns every picture with its own row.
        records: Numbers of the records to read, int64 [records], in their order and none of them
            skipped. None reads all that are not skipped.

    Returns:
        Dataset of rows (int64 [batch]), draws (int32 [batch, 2], see
        `view_seeds`) and pixels (uint8 [batch, size, size, 3]). The last batch is
        filled up with the first pictures, so that every device always has some.
    """
    spec = {example_features.IMAGE: tf.io.FixedLenFeature([], tf.string)}

    def decode(
        numbers: tuple[tf.Tensor, tf.Tensor], record: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        row, draw = numbers
        example = tf.io.parse_single_example(record, spec)
        pixels = decode_stored(example[example_features.IMAGE], pictures.image_size)
        return row, draw, pixels

    rows = pictures.record_rows
    draws = view_seeds(pictures, rows, view, seed)
    if output_rows is not None:
        rows = output_rows[rows]
    kept = np.flatnonzero(rows >= 0) if records is None else records
    numbered = tf.data.Dataset.from_tensor_slices((rows[kept], draws[kept]))
    read = tf.data.Dataset.zip((numbered, _read_records(pictures, kept)))
    full = read.repeat().take(round_up(len(kept), batch_size))
    return full.map(decode, tf.data.AUTOTUNE).batch(batch_size).prefetch(2)


def _read_records(pictures: Pictures, records: npt.NDArray[np.int64]) -> Dataset:
    """Return a dataset of records, and read no others.

    Args:
        pictures: Index of the split.
        records: Numbers of the records, int64 [records].
    """
    if len(records) == len(pictures):
        return tf.data.TFRecordDataset(pictures.files)

    def read(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        return np.array(read_places(pictures.files, pictures.record_places[numbers]), object)

    batches = tf.data.Dataset.from_tensor_slices(records).batch(READ_RECORDS)
    return batches.map(
        lambda numbers: tf.ensure_shape(
            tf.numpy_function(read, [numbers], tf.string, stateful=False), [None]
        ),
        num_parallel_calls=2,
        deterministic=True,
    ).unbatch()

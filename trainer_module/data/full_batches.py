"""Datasets of full batches, each of which all workers of a training share."""

from typing import Any

import tensorflow as tf

Dataset = Any  # tf.data.Dataset: TensorFlow ships no usable types


def round_up(rows: int, batch_size: int) -> int:
    """Return the number of rows in the full batches that hold `rows` rows."""
    return -(-rows // batch_size) * batch_size


def share_every_batch(batches: Dataset) -> Dataset:
    """Return the dataset with the sharding policy DATA.

    All workers of a `MultiWorkerMirroredStrategy` read the same batches, and each takes its part
    of every batch.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)

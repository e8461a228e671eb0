"""Datasets of full batches, which the devices of all workers of a training share."""

from typing import Any

import tensorflow as tf

Dataset = Any  # tf.data.Dataset: TensorFlow ships no usable types


def round_up(rows: int, batch_size: int) -> int:
    """Return the number of rows in the full batches that hold `rows` rows."""
    return -(-rows // batch_size) * batch_size


def own_batches(batches: Dataset, batch_size: int, context: tf.distribute.InputContext) -> Dataset:
    """Divide every batch between all devices, and return the parts for those of this worker.

    The first devices of the first worker get the first rows of every batch, as from
    `tf.distribute.Strategy.experimental_distribute_dataset`. Of what others get, nothing is read
    that comes after this dataset.

    Args:
        batches: Dataset of full batches, the same one at all workers.
        batch_size: Rows per batch.
        context: Place of this worker among all of them.

    Returns:
        Dataset of one batch per device of this worker, in the order of the devices.
    """
    devices = context.num_replicas_in_sync
    if devices == 1:
        return batches
    sizes = [batch_size // devices + (device < batch_size % devices) for device in range(devices)]
    own = devices // context.num_input_pipelines
    first = own * context.input_pipeline_id
    numbered = batches.rebatch(sizes).enumerate()
    kept = numbered.filter(
        lambda number, _: tf.logical_and(number % devices >= first, number % devices < first + own)
    )
    return kept.map(lambda _, batch: batch)

"""Forward passes over the pictures of a split, whose outputs are stored or come from the cache."""

import logging
from collections.abc import Callable, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.activations.activation_cache import (
    ActivationCache,
    network_digest,
    read_limit,
)
from trainer_module.activations.activation_store import store_outputs
from trainer_module.activations.inference import FORWARD_BATCH
from trainer_module.classifier import Classifier
from trainer_module.data.full_batches import round_up
from trainer_module.data.picture_batches import picture_batches
from trainer_module.data.transformed_examples import Pictures
from trainer_module.training_task import TrainingTask

logger = logging.getLogger("carryover.training")

#: Function of draws and pixels (see `picture_batches`) that returns activations, one per array.
ForwardPass = Callable[[tf.Tensor, tf.Tensor], list[tf.Tensor]]


def compute_view(
    number: int,
    rows: npt.NDArray[np.int64],
    pictures: Pictures,
    classifier: Classifier,
    frozen_part: keras.Model,
    forward: ForwardPass,
    task: TrainingTask,
) -> npt.NDArray[np.float16]:
    """Return the activations of one view, from the cache where they are in it.

    Only the chief uses the cache, and sends the others what it holds.

    Args:
        number: Number of the view; 0 is the picture itself.
        rows: Rows of the pictures to compute, int64.
        pictures: Pictures of the split.
        classifier: Classifier with the backbone.
        frozen_part: Part of the backbone up to the boundary.
        forward: Forward pass that ends with `frozen_part`.
        task: Task of the training.
    """
    array = task.store.reserve(len(rows), frozen_part.output.shape[1:])
    digests, cache, workers = pictures.digests[rows], None, task.hardware.workers
    missing: npt.NDArray[np.bool_] = np.ones(len(rows), bool)
    if task.cache:
        if task.hardware.is_chief:  # the only process that uses the cache
            network = _cache_name(classifier, frozen_part, task)
            cache = ActivationCache(task.cache, network, array.shape[1:], read_limit(task.cache))
            missing = ~cache.find(digests, number, array)
        missing = np.frombuffer(workers.send_from_chief(missing.tobytes()), bool)
        workers.send_rows_from_chief(array, np.flatnonzero(~missing))
    positions = np.flatnonzero(missing)
    if not len(positions):
        return array
    output_rows = np.full(len(pictures), -1)
    output_rows[rows[positions]] = positions
    run_over_pictures([array], forward, pictures, task, number, output_rows)
    if cache:
        added = cache.add(digests, number, array, positions)
        _log_cache(len(rows) - len(positions), len(positions) - added)
    return array


def run_over_pictures(
    arrays: Sequence[npt.NDArray[np.float16]],
    forward: ForwardPass,
    pictures: Pictures,
    task: TrainingTask,
    view: int = 0,
    output_rows: npt.NDArray[np.int64] | None = None,
) -> None:
    """Store the activations of pictures, of which each worker reads and computes a part.

    Args:
        arrays: Arrays of the activations, one per output of the forward pass.
        forward: Forward pass.
        pictures: Pictures of the split.
        task: Task of the training.
        view: Number of the view.
        output_rows: Row of the arrays for each picture, see `picture_batches`.
    """
    hardware, workers = task.hardware, task.hardware.workers
    rows = pictures.record_rows if output_rows is None else output_rows[pictures.record_rows]
    parts = workers.divide(np.flatnonzero(rows >= 0))
    own = parts[workers.index]
    if len(own):
        size = round_up(FORWARD_BATCH, hardware.local_replicas)
        batches = picture_batches(pictures, size, view, task.options.seed, output_rows, own)
        store_outputs(arrays, batches, forward, hardware)
    for array in arrays:
        workers.exchange_rows(array, [rows[part] for part in parts])


def _log_cache(cached: int, left_out: int) -> None:
    """Log the numbers of pictures that were cached already, and that had no room in the cache."""
    if left_out:
        logger.info(
            "the cache is full: activations of %s pictures are not kept for later trainings",
            f"{left_out:,}",
        )
    if cached:
        logger.info("activations of %s pictures were in the cache", f"{cached:,}")


def _cache_name(classifier: Classifier, frozen_part: keras.Model, task: TrainingTask) -> str:
    """Return the digest that names the cache. Its inputs are fixed: others lose every cache."""
    options = task.options
    return network_digest(
        frozen_part.get_weights(),
        f"{classifier.backbone.model.name}_lower",
        options.image_size,
        options.fine_tuning.augmentation,
        options.seed,
        task.hardware.precision,
    )

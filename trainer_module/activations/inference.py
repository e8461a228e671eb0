"""Forward passes over stored activations."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.activations.activation_store import store_outputs
from trainer_module.activations.activations import Activations
from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier
from trainer_module.data.full_batches import round_up
from trainer_module.data.stored_pictures import StoredPictures
from trainer_module.data.training_batches import View, ordered_batches
from trainer_module.training_task import TrainingTask

#: Function of activations that returns embeddings, float32 [rows, dim].
Embedding = Callable[[Activations], npt.NDArray[np.float32]]

#: Pictures per batch of a forward pass: large enough for a GPU, small enough for any memory.
FORWARD_BATCH = 128

#: Most rows of stored activations per batch.
PREDICT_BATCH = 256


def predict(
    model: Callable[[tf.Tensor], tf.Tensor],
    view: View,
    rows: npt.NDArray[np.int64],
    columns: int,
    task: TrainingTask,
) -> npt.NDArray[np.float32]:
    """Return the outputs of a model for stored activations, float32 [rows, columns].

    Each worker reads and predicts a part of the rows, and gets the outputs of the others.

    Args:
        model: Function of a batch of activations that returns its outputs, [batch, columns].
        view: Activations of one view or pictures, [all rows, ...].
        rows: Rows of the view to predict, int64 [rows].
        columns: Number of outputs per row.
        task: Task of the training.
    """
    hardware, workers = task.hardware, task.hardware.workers
    outputs: npt.NDArray[np.float32] = np.empty((len(rows), columns), np.float32)
    parts = workers.divide(np.arange(len(rows)))
    own = parts[workers.index]
    if len(own):
        batch_size = _batch_size(view, len(own), hardware.local_replicas)
        batches = ordered_batches(view, rows[own], batch_size)
        store_outputs([outputs[own[0] : own[-1] + 1]], batches, lambda x: [model(x)], hardware)
    workers.exchange_rows(outputs, parts)
    return outputs


def _batch_size(view: View, rows: int, replicas: int) -> int:
    """Return the rows per batch, so that the last one has few rows that only fill it up.

    Args:
        view: Activations or pictures; of pictures a batch has fewer, as all blocks see them.
        rows: Number of rows to predict.
        replicas: Number of devices of this worker, each of which gets a part of every batch.
    """
    most = FORWARD_BATCH if isinstance(view, StoredPictures) else PREDICT_BATCH
    batches = max(1, -(-rows // most))
    return min(most, round_up(max(1, -(-rows // batches)), replicas))


def embed(
    classifier: Classifier, activations: Activations, boundary: str | None, task: TrainingTask
) -> npt.NDArray[np.float32]:
    """Return embeddings under the present weights of the backbone, see `create_embedding`."""
    return create_embedding(classifier, boundary, task)(activations)


def create_embedding(classifier: Classifier, boundary: str | None, task: TrainingTask) -> Embedding:
    """Return a function that computes embeddings under the present weights of the backbone.

    It is traced once, however many activations it is called with.

    Args:
        classifier: Classifier with the backbone.
        boundary: Last block whose weights have not changed since the activations were computed;
            None if no weights have changed.
        task: Task of the training.

    Returns:
        Function of the activations to start from: the first view or, without a boundary, the
        embeddings.
    """
    if boundary is None:
        return lambda activations: activations.embeddings[activations.rows].astype(np.float32)
    with task.hardware.strategy.scope():
        _, above_boundary = split_at(classifier.backbone.model, boundary)

    @tf.function(input_signature=[tf.TensorSpec(above_boundary.input.shape)])
    def forward(batch: tf.Tensor) -> tf.Tensor:
        return above_boundary(batch, training=False)

    return lambda activations: predict(
        lambda batch: forward(tf.cast(batch, tf.float32)),
        activations.views[0],
        activations.rows,
        above_boundary.output.shape[-1],
        task,
    )

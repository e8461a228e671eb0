"""Forward passes over stored activations."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.activations.activation_store import store_outputs
from trainer_module.activations.activations import Activations
from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier
from trainer_module.data.stored_pictures import StoredPictures
from trainer_module.data.training_batches import View, ordered_batches
from trainer_module.training_task import TrainingTask

#: Pictures per batch of a forward pass: large enough for a GPU, small enough for any memory.
FORWARD_BATCH = 128

#: Rows of stored activations per batch.
PREDICT_BATCH = 256


def predict(
    model: Callable[[tf.Tensor], tf.Tensor],
    view: View,
    rows: npt.NDArray[np.int64],
    columns: int,
    task: TrainingTask,
) -> npt.NDArray[np.float32]:
    """Return the outputs of a model for stored activations, float32 [rows, columns].

    Args:
        model: Function of a batch of activations that returns its outputs, [batch, columns].
        view: Activations of one view or pictures, [all rows, ...].
        rows: Rows of the view to predict, int64 [rows].
        columns: Number of outputs per row.
        task: Task of the training.
    """
    batches = ordered_batches(view, rows, _batch_size(view))
    outputs: npt.NDArray[np.float32] = np.empty((len(rows), columns), np.float32)
    store_outputs(
        [outputs], batches, lambda activations: [model(activations)], task.hardware.strategy
    )
    return outputs


def _batch_size(view: View) -> int:
    """Return the rows per batch: fewer pictures than activations, as all blocks see them."""
    return FORWARD_BATCH if isinstance(view, StoredPictures) else PREDICT_BATCH


def embed(
    classifier: Classifier, activations: Activations, boundary: str | None, task: TrainingTask
) -> npt.NDArray[np.float32]:
    """Return embeddings under the present weights of the backbone, float32 [rows, dim].

    Args:
        classifier: Classifier with the backbone.
        activations: Activations to start from: the first view or, without a boundary, the
            embeddings.
        boundary: Last block whose weights have not changed since the activations were computed;
            None if no weights have changed.
        task: Task of the training.
    """
    if boundary is None:
        return activations.embeddings[activations.rows].astype(np.float32)
    with task.hardware.strategy.scope():
        _, above_boundary = split_at(classifier.backbone.model, boundary)
    return predict(
        lambda batch: above_boundary(tf.cast(batch, tf.float32), training=False),
        activations.views[0],
        activations.rows,
        above_boundary.output.shape[-1],
        task,
    )

"""A training step on one batch of random activations, for benchmarks that time it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from trainer_module.classifier import Classifier
from trainer_module.stages.fine_tuning_stage import build_trained_part, freeze_boundary
from trainer_module.stages.training_step import create_step
from trainer_module.training_task import TrainingTask


def training_step(classifier: Classifier, task: TrainingTask, steps: int) -> Callable[[], Any]:
    """Return a function that trains the blocks above the boundary on the same batch.

    Args:
        classifier: Classifier to train.
        task: Task, with the boundary and the size of a batch.
        steps: Number of steps of the whole training.
    """
    tuning = task.options.fine_tuning
    boundary = freeze_boundary(classifier, tuning.trainable_from)
    trained_part = build_trained_part(classifier, boundary, task)
    step: Any = create_step(trained_part, classifier, boundary, 1, steps, task)
    shape = (tuning.batch_size, *trained_part.input.shape[1:])
    activations = np.random.default_rng(1).random(shape, np.float32)
    targets = tf.zeros(tuning.batch_size, tf.int32)
    batch = (tf.constant(activations), targets, targets)
    return lambda: step(*batch)

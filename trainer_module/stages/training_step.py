"""One step of stage 2: the objective, its gradients, and the optimizer."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from trainer_module.classifier import Classifier
from trainer_module.stages.objectives import create_objective
from trainer_module.stages.optimizer import LayerwiseAdamW, warmup_cosine
from trainer_module.stages.stages import Task

#: Kept features [batch, ...], class ids and domain ids [batch] -> loss, a scalar.
Step = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def create_step(
    tail: keras.Model, classifier: Classifier, domains: int, steps: int, task: Task
) -> Step:
    """A function that trains on one batch. It runs on every replica, each with its rows.

    Args:
        tail: features at the boundary -> pooled features and logits.
        classifier: that the tail is part of.
        domains: number of training domains.
        steps: of the whole training, for the learning rate.
        task: see `Task`.
    """
    options = task.options.fine_tuning
    with task.hardware.strategy.scope():
        objective = create_objective(task.options.objective, domains)
        optimizer: Any = LayerwiseAdamW(
            rate_factors(tail, classifier, options.rate_decay),
            learning_rate=warmup_cosine(options.learning_rate, steps, options.warmup),
            weight_decay=options.weight_decay,
        )
        if task.hardware.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(tail.trainable_variables)
    cross_entropy = _smoothed(options.label_smoothing, len(classifier.labels))

    def step(maps: tf.Tensor, target: tf.Tensor, domain: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            pooled, logits = tail(tf.cast(maps, tf.float32), training=True)
            losses = cross_entropy(target, logits)
            # Rows that count more are drawn more often, see `input_data.training_batches`.
            loss = objective(losses, tf.ones_like(losses), pooled, domain)
            scaled = optimizer.scale_loss(loss)
        variables = tail.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss

    return step


def rate_factors(tail: keras.Model, classifier: Classifier, decay: float) -> list[float]:
    """Learning-rate factor of every trainable variable: 1 for the head, less per block down.

    Args:
        tail: upper blocks and head.
        classifier: whose blocks they are.
        decay: factor from one block to the next lower one.
    """
    depth_of_layer = _layer_depths(classifier)
    depths = []
    for layer in tail.layers:
        depth = depth_of_layer.get(layer.name, 0)
        depths += [depth] * len(layer.trainable_weights)
    return [decay**depth for depth in depths]


def _smoothed(smoothing: float, classes: int) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Cross entropy per row against targets of which a part is spread over all classes.

    "Rethinking the Inception Architecture" (Szegedy et al., 2016), section 7. The target of a
    class that the model does not know is -1 and has no part but the spread one.
    """
    aim = 1 - smoothing

    def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        wanted = tf.one_hot(targets, classes) * aim + smoothing / classes
        return tf.nn.softmax_cross_entropy_with_logits(wanted, tf.cast(logits, tf.float32))

    return cross_entropy


def _layer_depths(classifier: Classifier) -> dict[str, int]:
    """How many blocks below the top each layer of the backbone lies; the top block is 1."""
    depths, block = {}, len(classifier.backbone.blocks)
    ends = set(classifier.backbone.blocks)
    for layer in classifier.backbone.model.layers:
        depths[layer.name] = max(1, block)
        if layer.name in ends:
            block -= 1
    return depths

"""Training step of the fine-tuning stage: objective, gradients and optimizer."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from trainer_module.classifier import Classifier
from trainer_module.stages.objectives import create_objective
from trainer_module.stages.optimizer import LayerwiseAdamW, warmup_cosine
from trainer_module.training_task import TrainingTask

#: Function of activations [batch, ...], class IDs [batch] and domain IDs [batch] that trains on
#: the batch and returns its loss, a scalar.
TrainingStep = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def create_step(
    trained_part: keras.Model,
    classifier: Classifier,
    domains: int,
    steps: int,
    task: TrainingTask,
) -> TrainingStep:
    """Return a function that trains on one batch; every replica calls it with its own rows.

    Args:
        trained_part: Model of activations at the boundary that returns embeddings and logits.
        classifier: Classifier to which the trained part belongs.
        domains: Number of training domains.
        steps: Number of steps in the whole training, for the learning rate.
        task: Task of the training.
    """
    options = task.options.fine_tuning
    with task.hardware.strategy.scope():
        objective = create_objective(task.options.objective, domains)
        optimizer: Any = LayerwiseAdamW(
            rate_factors(trained_part, classifier, options.rate_decay),
            learning_rate=warmup_cosine(options.learning_rate, steps, options.warmup),
            weight_decay=options.weight_decay,
        )
        if task.hardware.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(trained_part.trainable_variables)
    cross_entropy = _smoothed_cross_entropy(options.label_smoothing, len(classifier.labels))

    def step(activations: tf.Tensor, targets: tf.Tensor, domain: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            embeddings, logits = trained_part(tf.cast(activations, tf.float32), training=True)
            losses = cross_entropy(targets, logits)
            # Weights of 1: rows of larger weight are drawn more often, see `training_batches`.
            loss = objective(losses, tf.ones_like(losses), embeddings, domain)
            scaled = optimizer.scale_loss(loss)
        variables = trained_part.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss

    return step


def rate_factors(trained_part: keras.Model, classifier: Classifier, decay: float) -> list[float]:
    """Return the learning-rate factor of every trainable variable: 1 for the head, less below.

    Args:
        trained_part: Blocks above the boundary, and the head.
        classifier: Classifier to which the trained part belongs.
        decay: Factor from one block to the next lower block.
    """
    depth_of_layer = _layer_depths(classifier)
    depths = []
    for layer in trained_part.layers:
        depth = depth_of_layer.get(layer.name, 0)
        depths += [depth] * len(layer.trainable_weights)
    return [decay**depth for depth in depths]


def _smoothed_cross_entropy(
    smoothing: float, classes: int
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return a function of targets and logits that returns each row's smoothed cross entropy.

    "Rethinking the Inception Architecture" (Szegedy et al., 2016), section 7. The target of an
    unknown class is -1: of its distribution only the part spread over all classes is left.
    """
    confidence = 1 - smoothing

    def cross_entropy(targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        distributions = tf.one_hot(targets, classes) * confidence + smoothing / classes
        return tf.nn.softmax_cross_entropy_with_logits(distributions, tf.cast(logits, tf.float32))

    return cross_entropy


def _layer_depths(classifier: Classifier) -> dict[str, int]:
    """Return how many blocks below the top each layer of the backbone lies; the top block is 1."""
    depths, block = {}, len(classifier.backbone.blocks)
    ends = set(classifier.backbone.blocks)
    for layer in classifier.backbone.model.layers:
        depths[layer.name] = max(1, block)
        if layer.name in ends:
            block -= 1
    return depths

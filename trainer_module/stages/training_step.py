"""Training step of the fine-tuning stage: objective, gradients and optimizer."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from trainer_module.backbones import INPUT
from trainer_module.classifier import Classifier
from trainer_module.stages.objectives import create_objective
from trainer_module.stages.optimizer import LayerwiseAdamW, warmup_cosine
from trainer_module.stages.style_mixing import mix_styles
from trainer_module.training_task import TrainingTask

#: Largest norm of all gradients together where the whole network is trained, as in the fine-tuning
#: of "An Image is Worth 16x16 Words" (Dosovitskiy et al., 2021, arXiv 2010.11929, table 4).
MAX_NORM = 1.0

#: Function of activations [batch, ...], class IDs [batch] and domain IDs [batch] that trains on
#: the batch and returns its loss, a scalar.
TrainingStep = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


def create_step(
    trained_part: keras.Model,
    classifier: Classifier,
    boundary: str,
    domains: int,
    steps: int,
    task: TrainingTask,
) -> TrainingStep:
    """Return a function that trains on one batch; every replica calls it with its own rows.

    Args:
        trained_part: Model of activations at the boundary that returns embeddings and logits.
        classifier: Classifier to which the trained part belongs.
        boundary: Last block that stays frozen, or `INPUT`: then gradients are clipped.
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
    # At a single position there is nothing but style.
    has_style = boundary != INPUT and math.prod(trained_part.input.shape[1:-1]) > 1
    mixed = options.mix_styles if has_style else 0.0

    def step(activations: tf.Tensor, targets: tf.Tensor, domain: tf.Tensor) -> tf.Tensor:
        inputs = tf.cast(activations, tf.float32)
        if mixed:
            inputs = mix_styles(inputs, mixed)
        with tf.GradientTape() as tape:
            embeddings, logits = trained_part(inputs, training=True)
            losses = cross_entropy(targets, logits)
            # Weights of 1: rows of larger weight are drawn more often, see `training_batches`.
            loss = objective(losses, tf.ones_like(losses), embeddings, domain)
            scaled = optimizer.scale_loss(loss)
        variables = trained_part.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        if boundary == INPUT:
            gradients = _clip_by_global_norm(gradients, optimizer.scale_loss(tf.constant(1.0)))
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


def _clip_by_global_norm(gradients: list[tf.Tensor], scale: tf.Tensor) -> list[tf.Tensor]:
    """Return gradients that are at most `MAX_NORM` long together, over all replicas.

    "On the difficulty of training recurrent neural networks" (Pascanu et al., 2013, arXiv
    1211.5063). Keras clips the gradients of each replica before it adds them up.

    Args:
        gradients: Gradients of one replica's rows.
        scale: Number by which the loss was multiplied.
    """
    replica = tf.distribute.get_replica_context()
    total = gradients
    if replica.num_replicas_in_sync > 1:
        total = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    norm = tf.linalg.global_norm(total) / scale
    factor = MAX_NORM / tf.maximum(norm, MAX_NORM)
    return [gradient * tf.cast(factor, gradient.dtype) for gradient in gradients]


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

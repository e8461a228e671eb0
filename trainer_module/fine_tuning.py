"""Stage 2: the upper part of the backbone learns too, carefully."""

import logging
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier
from trainer_module.input_data import training_batches
from trainer_module.objectives import create_objective
from trainer_module.optimizer import LayerwiseAdamW, warmup_cosine
from trainer_module.scoring import Score, class_ids, domain_ids, score
from trainer_module.stages import Features, StageResult, Task, predict
from trainer_module.weighting import training_weights

logger = logging.getLogger("carryover.training")

NAME = "fine_tuned"

#: Where between the frozen (0) and the fine-tuned weights (1) the eval split is asked.
STEPS_BETWEEN = (0.25, 0.5, 0.75, 1.0)


def fine_tune(
    classifier: Classifier,
    boundary: str,
    train: Features,
    evaluation: Features,
    task: Task,
    start: float,
) -> StageResult:
    """Train what is above the boundary, from the weights of stage 1.

    The part below it runs once per view of a picture (`stages.add_views`). Batch normalisation
    keeps its statistics: those of a small batch from a few domains are worse. The weights of the
    last epochs are averaged ("Averaging weights leads to wider optima", Izmailov et al., arXiv
    1803.05407), and the mean is mixed with the frozen weights ("Robust fine-tuning of zero-shot
    models", Wortsman et al., arXiv 2109.01903) in the share that is best on the eval split.

    Args:
        classifier: after stage 1; it holds the chosen mixture afterwards.
        boundary: last block that stays frozen.
        train: features with views.
        evaluation: features with the first view.
        task: see `Task`.
        start: when the stage began, by `time.perf_counter`.
    """
    options, criterion = task.options.fine_tuning, task.options.criterion
    with task.hardware.strategy.scope():
        _, upper = split_at(classifier.backbone.model, boundary)
        tail = keras.Model(upper.input, [upper.output, classifier.head(upper.output)], name="tail")
    _freeze_statistics(tail)

    def evaluate() -> tuple[np.ndarray, Score]:
        logits = predict(
            lambda maps: tail(tf.cast(maps, tf.float32), training=False)[1],
            *(evaluation.views[0], evaluation.rows, len(classifier.labels), task),
        )
        targets = class_ids(evaluation.labels, classifier.labels)
        return logits, score(logits.argmax(axis=-1), targets, evaluation.domains)

    frozen = _trainable(tail)
    learn = _learner(tail, classifier, train, task)
    averaged = round(options.epochs * options.averaging) or 1
    note, curve, last = task.log(NAME), [], []
    for epoch in range(options.epochs):
        loss = learn()
        found = evaluate()[1].by(criterion)
        curve.append({"loss": loss, "eval": found})
        note(epoch, curve[-1])
        logger.info(
            "%s: epoch %s of %s, loss %.3f, eval %.3f",
            *(NAME, epoch + 1, options.epochs, loss, found),
        )
        if epoch >= options.epochs - averaged:
            last.append(_trainable(tail))

    mean = [np.mean(values, axis=0) for values in zip(*last, strict=True)]
    mixtures = []
    for share in STEPS_BETWEEN:
        _assign(tail, _mixed(frozen, mean, share))
        mixtures.append((share, *evaluate()))
    share, logits, best = max(mixtures, key=lambda mixture: mixture[2].by(criterion))
    _assign(tail, _mixed(frozen, mean, share))
    logger.info("%s: %.0f %% of the way from the frozen weights is best", NAME, share * 100)
    return StageResult(
        name=NAME,
        weights=classifier.get_weights(),
        logits=logits,
        score=best,
        seconds=time.perf_counter() - start,
        epochs=options.epochs,
        details={"boundary": boundary, "interpolation": share, "curve": curve},
    )


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


def _learner(
    tail: keras.Model, classifier: Classifier, train: Features, task: Task
) -> Callable[[], float]:
    """A function that trains one epoch and returns its mean loss."""
    options, strategy = task.options.fine_tuning, task.hardware.strategy
    targets = class_ids(train.labels, classifier.labels)
    domains = domain_ids(train.domains)
    weights = training_weights(train.labels, train.domains, task.options)
    batches = strategy.experimental_distribute_dataset(
        training_batches(
            *(train.views, train.rows, (targets, weights, domains)),
            *(options.batch_size, task.options.seed),
        )
    )
    steps = options.epochs * -(-len(train) // options.batch_size)
    with strategy.scope():
        objective = create_objective(task.options.objective, int(domains.max()) + 1)
        optimizer: Any = LayerwiseAdamW(
            rate_factors(tail, classifier, options.rate_decay),
            learning_rate=warmup_cosine(options.learning_rate, steps, options.warmup),
            weight_decay=options.weight_decay,
        )
        if task.hardware.precision == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(tail.trainable_variables)
    cross_entropy = _smoothed(options.label_smoothing, len(classifier.labels))

    def step(maps: tf.Tensor, target: tf.Tensor, weight: tf.Tensor, domain: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            pooled, logits = tail(tf.cast(maps, tf.float32), training=True)
            loss = objective(cross_entropy(target, logits), weight, pooled, domain)
            scaled = optimizer.scale_loss(loss)
        variables = tail.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss

    @tf.function
    def epoch() -> tf.Tensor:
        total = tf.constant(0.0)
        count = tf.constant(0.0)
        for batch in batches:
            losses = strategy.run(step, args=batch)
            total += strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
            count += 1
        return total / count

    return lambda: float(epoch())


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


def _trainable(tail: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in tail.trainable_variables]


def _mixed(old: list[np.ndarray], new: list[np.ndarray], share: float) -> list[np.ndarray]:
    """Weights between two sets: 0 is the old, 1 the new."""
    return [(1 - share) * before + share * after for before, after in zip(old, new, strict=True)]


def _assign(tail: keras.Model, values: list[np.ndarray]) -> None:
    for variable, value in zip(tail.trainable_variables, values, strict=True):
        variable.assign(value)


def _layer_depths(classifier: Classifier) -> dict[str, int]:
    """How many blocks below the top each layer of the backbone lies; the top block is 1."""
    depths, block = {}, len(classifier.backbone.blocks)
    ends = set(classifier.backbone.blocks)
    for layer in classifier.backbone.model.layers:
        depths[layer.name] = max(1, block)
        if layer.name in ends:
            block -= 1
    return depths


def _freeze_statistics(model: keras.Model) -> None:
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False

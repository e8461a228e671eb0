"""Stage 2: the upper part of the backbone learns too, carefully."""

import logging
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier
from trainer_module.data.input_data import training_batches
from trainer_module.stages.model_selection import pick_best
from trainer_module.stages.scoring import Score, class_ids, domain_ids, score
from trainer_module.stages.stages import Features, StageResult, Task, predict
from trainer_module.stages.training_step import create_step

logger = logging.getLogger("carryover.training")

NAME = "fine_tuned"

#: Where between the weights at the start (0) and the fine-tuned (1) the eval split is asked.
STEPS_BETWEEN = (0.25, 0.5, 0.75, 1.0)


def fine_tune(
    classifier: Classifier,
    boundary: str,
    train: Features,
    evaluation: Features,
    task: Task,
    start: float,
) -> StageResult:
    """Train what is above the boundary, from the weights that the classifier has.

    The part below it runs once per view of a picture (`stages.add_views`). Batch normalisation
    keeps its statistics: those of a small batch from a few domains are worse. The weights of the
    last epochs are averaged ("Averaging weights leads to wider optima", Izmailov et al., arXiv
    1803.05407), and the mean is mixed with the weights at the start ("Robust fine-tuning of
    zero-shot models", Wortsman et al., arXiv 2109.01903) in the share that is best on the eval
    split, see `choosing.pick_best`.

    Args:
        classifier: after stage 1; it holds the chosen mixture afterwards.
        boundary: last block that stays frozen.
        train: features with views.
        evaluation: features with the first view.
        task: see `Task`.
        start: when the stage began, by `time.perf_counter`.
    """
    options, criterion = task.options.fine_tuning, task.options.criterion
    tail = build_tail(classifier, boundary, task)
    targets = class_ids(evaluation.labels, classifier.labels)

    def evaluate() -> np.ndarray:
        return predict(
            lambda maps: tail(tf.cast(maps, tf.float32), training=False)[1],
            *(evaluation.views[0], evaluation.rows, len(classifier.labels), task),
        )

    def scored(logits: np.ndarray) -> Score:
        return score(logits.argmax(axis=-1), targets, evaluation.domains)

    start_weights = _trainable(tail)
    learn = create_learner(tail, classifier, train, task)
    averaged = round(options.epochs * options.averaging) or 1
    note, curve, last = task.log(NAME), [], []
    for epoch in range(options.epochs):
        loss = learn()
        found = scored(evaluate()).by(criterion)
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
        _assign(tail, _mixed(start_weights, mean, share))
        mixtures.append(evaluate())
    best = pick_best(mixtures, targets, evaluation.domains, criterion)
    share = STEPS_BETWEEN[best]
    _assign(tail, _mixed(start_weights, mean, share))
    logger.info("%s: %.0f %% of the way from the start is best", NAME, share * 100)
    return StageResult(
        name=NAME,
        weights=classifier.get_weights(),
        logits=mixtures[best],
        score=scored(mixtures[best]),
        seconds=time.perf_counter() - start,
        epochs=options.epochs,
        details={"boundary": boundary, "interpolation": share, "curve": curve},
    )


def build_tail(classifier: Classifier, boundary: str, task: Task) -> keras.Model:
    """What is above a block: its features -> pooled features and logits.

    The layers and weights are the classifier's own. Batch normalisation is frozen.
    """
    with task.hardware.strategy.scope():
        _, upper = split_at(classifier.backbone.model, boundary)
        tail = keras.Model(upper.input, [upper.output, classifier.head(upper.output)], name="tail")
    _freeze_statistics(tail)
    return tail


def create_learner(
    tail: keras.Model, classifier: Classifier, train: Features, task: Task
) -> Callable[[], float]:
    """A function that trains one epoch and returns its mean loss."""
    options, strategy = task.options.fine_tuning, task.hardware.strategy
    targets = class_ids(train.labels, classifier.labels)
    domains = domain_ids(train.domains)
    batches = strategy.experimental_distribute_dataset(
        training_batches(
            *(train.views, train.rows, (targets, domains), train.weights(task)),
            *(train.rows_per_epoch(), options.batch_size, task.options.seed, train.counts),
        )
    )
    steps = options.epochs * -(-train.rows_per_epoch() // options.batch_size)
    step = create_step(tail, classifier, int(domains.max()) + 1, steps, task)

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


def _trainable(tail: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in tail.trainable_variables]


def _mixed(old: list[np.ndarray], new: list[np.ndarray], share: float) -> list[np.ndarray]:
    """Weights between two sets: 0 is the old, 1 the new."""
    return [(1 - share) * before + share * after for before, after in zip(old, new, strict=True)]


def _assign(tail: keras.Model, values: list[np.ndarray]) -> None:
    for variable, value in zip(tail.trainable_variables, values, strict=True):
        variable.assign(value)


def _freeze_statistics(model: keras.Model) -> None:
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False

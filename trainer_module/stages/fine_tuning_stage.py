"""Fine-tuning stage: the blocks above the boundary are trained with small learning rates."""

import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer_module.activations.activations import Activations
from trainer_module.activations.inference import predict
from trainer_module.backbones import INPUT, split_at
from trainer_module.classifier import Classifier
from trainer_module.contract.errors import InputError
from trainer_module.data.training_batches import training_batches
from trainer_module.data.weighting import number_names
from trainer_module.stages.cpu_convolutions import with_cpu_convolutions
from trainer_module.stages.model_selection import is_worse, select_best
from trainer_module.stages.scoring import Score, class_ids, score
from trainer_module.stages.stage_result import StageResult
from trainer_module.stages.training_step import create_step
from trainer_module.training_task import TrainingTask

logger = logging.getLogger("carryover.training")

NAME = "fine_tuned"

#: Shares of the fine-tuned weights in the mixtures that are compared on the eval split. The rest
#: are the weights at the start of the stage.
SHARES = (0.25, 0.5, 0.75, 1.0)

#: Share in a retraining, unless another one is better by more than chance explains. About ten
#: labelled eval pictures of a new domain cannot tell shares apart. See docs/training.md.
RETRAINING_SHARE = 0.75

Weights = list[npt.NDArray[np.float32]]


def freeze_boundary(classifier: Classifier, trainable_from: float | str) -> str:
    """Return the last block that stays frozen, or `INPUT` if none does.

    Args:
        classifier: Classifier with the backbone.
        trainable_from: Name of that block, or the share of the blocks that come before it; 0 trains
            all blocks.

    Raises:
        InputError: The backbone has no such block.
    """
    blocks = classifier.backbone.blocks
    if trainable_from == 0:
        return INPUT
    if not isinstance(trainable_from, str):
        return blocks[min(int(len(blocks) * trainable_from), len(blocks) - 1)]
    if trainable_from not in blocks:
        raise InputError(
            f"fine_tuning.trainable_from must be a share or a block of {classifier.backbone.name}: "
            f"{', '.join(blocks)}. Received: {trainable_from}"
        )
    return trainable_from


def fine_tune(
    classifier: Classifier,
    boundary: str,
    train: Activations,
    evaluation: Activations,
    task: TrainingTask,
    start: float,
) -> StageResult:
    """Train the blocks above the boundary and the head, from their present weights.

    Blocks up to the boundary run once per view of a picture (`extraction.add_views`). Without a
    frozen block, pictures are read from disk in every epoch, and gradients are clipped. Batch
    normalisation keeps its statistics: those of a small batch from a few domains are worse. The
    weights of the last epochs are averaged ("Averaging weights leads to wider optima", Izmailov et
    al., arXiv 1803.05407), and their mean is mixed with the weights at the start ("Robust
    fine-tuning of zero-shot models", Wortsman et al., arXiv 2109.01903), in the share that is best
    on the eval split (`model_selection.select_best`); in a retraining that share must be better
    than `RETRAINING_SHARE` by more than chance.

    Args:
        classifier: Classifier after the frozen stage; it gets the best mixture of weights.
        boundary: Last block that stays frozen, or `INPUT`.
        train: Activations of the train split, with views.
        evaluation: Activations of the eval split, with the first view.
        task: Task of the training.
        start: Time at which the stage began, from `time.perf_counter`.
    """
    trained_part = build_trained_part(classifier, boundary, task)
    targets = class_ids(evaluation.labels, classifier.labels)
    eval_split = EvalSplit(trained_part, evaluation, targets, task)
    start_weights = trainable_weights(trained_part)
    curve, mean_weights = _train_epochs(trained_part, classifier, boundary, train, eval_split)
    share, logits = _select_mixture(start_weights, mean_weights, eval_split)
    return StageResult(
        name=NAME,
        weights=classifier.get_weights(),
        logits=logits,
        score=eval_split.score(logits),
        seconds=time.perf_counter() - start,
        epochs=task.options.fine_tuning.epochs,
        details={"boundary": boundary, "interpolation": share, "curve": curve},
    )


@dataclass(frozen=True)
class EvalSplit:
    """Predictions and scores of the trained part on the eval split.

    Attributes:
        trained_part: Model of activations that returns embeddings and logits.
        activations: Activations of the split, with the first view.
        targets: Class IDs of the split, int32 [rows].
        task: Task of the training.
    """

    trained_part: keras.Model
    activations: Activations
    targets: npt.NDArray[np.int32]
    task: TrainingTask

    def predict(self) -> npt.NDArray[np.float32]:
        """Return the logits under the present weights, float32 [rows, classes]."""
        _, logits = self.trained_part.output
        return predict(
            self._traced_logits,
            self.activations.views[0],
            self.activations.rows,
            logits.shape[-1],
            self.task,
        )

    @functools.cached_property
    def _traced_logits(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Function of activations. Every epoch and mixture uses it, and it is traced once."""
        return tf.function(  # type: ignore[no-any-return]  # TensorFlow has no types
            lambda batch: self.trained_part(tf.cast(batch, tf.float32), training=False)[1],
            reduce_retracing=True,
        )

    def score(self, logits: npt.NDArray[np.float32]) -> Score:
        """Return the accuracy of logits."""
        return score(logits.argmax(axis=-1), self.targets, self.activations.domains)

    def correct(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Return which rows are predicted correctly, bool [rows]."""
        return logits.argmax(axis=-1) == self.targets


def _train_epochs(
    trained_part: keras.Model,
    classifier: Classifier,
    boundary: str,
    train: Activations,
    eval_split: EvalSplit,
) -> tuple[list[dict[str, float]], Weights]:
    """Train all epochs; return the metrics of each, and the mean weights of the last ones."""
    task = eval_split.task
    options = task.options.fine_tuning
    train_epoch = create_epoch(trained_part, classifier, boundary, train, task)
    write_metrics = task.metrics_writer(NAME)
    averaged = round(options.epochs * options.averaging) or 1
    curve, last_weights = [], []
    for epoch in range(options.epochs):
        loss = train_epoch()
        accuracy = eval_split.score(eval_split.predict()).by(task.options.criterion)
        curve.append({"loss": loss, "eval": accuracy})
        write_metrics(epoch, curve[-1])
        logger.info(
            "%s: epoch %s of %s, loss %.3f, eval %.3f",
            NAME,
            epoch + 1,
            options.epochs,
            loss,
            accuracy,
        )
        if epoch >= options.epochs - averaged:
            last_weights.append(trainable_weights(trained_part))
    return curve, [np.mean(values, axis=0) for values in zip(*last_weights, strict=True)]


def _select_mixture(
    start: Weights, tuned: Weights, eval_split: EvalSplit
) -> tuple[float, npt.NDArray[np.float32]]:
    """Assign a mixture of two sets of weights; return its share and its logits."""
    logits = []
    for share in SHARES:
        assign_weights(eval_split.trained_part, mix_weights(start, tuned, share))
        logits.append(eval_split.predict())
    chosen = _choose_share(logits, eval_split)
    share = SHARES[chosen]
    assign_weights(eval_split.trained_part, mix_weights(start, tuned, share))
    logger.info("%s: %s", NAME, describe_mixture(share))
    return share, logits[chosen]


def describe_mixture(share: float) -> str:
    """Return which weights the stage ends with, in words.

    Args:
        share: Share of the weights that the stage trained, 0 (exclusive) to 1.
    """
    if share == 1:
        return "its weights are used as they are, not mixed with those before it"
    old, new = 100 - 100 * share, 100 * share
    return f"{new:.0f} % of its weights and {old:.0f} % of those before it are mixed"


def _choose_share(logits: list[npt.NDArray[np.float32]], eval_split: EvalSplit) -> int:
    """Return the position of the share to use, from the logits with each of `SHARES`."""
    criterion, domains = eval_split.task.options.criterion, eval_split.activations.domains
    best = select_best(logits, eval_split.targets, domains, criterion)
    if not eval_split.task.is_retraining:
        return best
    usual = SHARES.index(RETRAINING_SHARE)
    better, correct = (eval_split.correct(logits[each]) for each in (best, usual))
    return best if is_worse(better, correct, domains, criterion) else usual


def build_trained_part(classifier: Classifier, boundary: str, task: TrainingTask) -> keras.Model:
    """Return a model of activations at the boundary that returns embeddings and logits.

    It shares its layers and weights with the classifier. Batch normalisation is frozen.
    """
    with task.hardware.strategy.scope():
        _, above_boundary = split_at(classifier.backbone.model, boundary)
        embeddings = above_boundary.output
        trained_part = keras.Model(
            above_boundary.input, [embeddings, classifier.head(embeddings)], name="trained_part"
        )
        if task.hardware.is_cpu:
            trained_part = with_cpu_convolutions(trained_part)
    _freeze_batch_normalisation(trained_part)
    return trained_part


def create_epoch(
    trained_part: keras.Model,
    classifier: Classifier,
    boundary: str,
    train: Activations,
    task: TrainingTask,
) -> Callable[[], float]:
    """Return a function that trains one epoch and returns its mean loss.

    Args:
        trained_part: Model of activations at the boundary that returns embeddings and logits.
        classifier: Classifier to which the trained part belongs.
        boundary: Last block that stays frozen, or `INPUT`.
        train: Activations of the train split, with views.
        task: Task of the training.
    """
    options, strategy = task.options.fine_tuning, task.hardware.strategy
    targets = class_ids(train.labels, classifier.labels)
    domains = number_names(train.domains)
    rows_per_epoch = train.rows_per_epoch()
    batches = strategy.distribute_datasets_from_function(
        lambda context: training_batches(
            train.views,
            train.rows,
            (targets, domains),
            train.weights(task),
            count=rows_per_epoch,
            batch_size=options.batch_size,
            seed=task.options.seed,
            view_counts=train.view_counts,
            random_views=train.random_views,
            context=context,
        )
    )
    steps = options.epochs * -(-rows_per_epoch // options.batch_size)
    step = create_step(trained_part, classifier, boundary, int(domains.max()) + 1, steps, task)

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


def trainable_weights(model: keras.Model) -> Weights:
    """Return the values of the trainable variables of a model, in its order."""
    return [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]


def mix_weights(old: Weights, new: Weights, share: float) -> Weights:
    """Return the linear interpolation of two sets of weights: 0 is the old, 1 the new one."""
    return [(1 - share) * before + share * after for before, after in zip(old, new, strict=True)]


def assign_weights(model: keras.Model, weights: Weights) -> None:
    """Set the trainable variables of a model, in its order."""
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)


def _freeze_batch_normalisation(model: keras.Model) -> None:
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False

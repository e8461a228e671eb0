"""The two stages of training, and the choice between them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier
from trainer_module.errors import InputError
from trainer_module.hardware import Hardware
from trainer_module.input_data import (
    ArrayOnDisk,
    Pictures,
    feature_array,
    ordered_batches,
    picture_batches,
    training_batches,
)
from trainer_module.optimizer import LayerwiseAdamW, warmup_cosine
from trainer_module.options import TrainingOptions

logger = logging.getLogger("carryover.training")

#: Pictures per batch of a forward pass: large enough for a GPU, small enough for any memory.
FORWARD_BATCH = 128

#: Rows of cached features per batch of a prediction.
PREDICT_BATCH = 256

#: Caches are stored in half precision: twice the pictures for the same disk, and no difference
#: that training could notice.
CACHE_DTYPE = "float16"

CRITERION = "eval_mean_domain_accuracy"


@dataclass(frozen=True)
class Task:
    """What both stages share.

    Attributes:
        train: pictures to learn from.
        eval: pictures for every choice: early stopping, the stage.
        options: of the trainer.
        hardware: see `hardware.set_up_hardware`.
        run_dir: for TensorBoard logs; feature caches lie beside them while they are needed.
    """

    train: Pictures
    eval: Pictures
    options: TrainingOptions
    hardware: Hardware
    run_dir: str

    def forward(self, pictures: Pictures, model: keras.Model, view: int = 0) -> ArrayOnDisk:
        """Run a model over a split, once, on the pictures or on a random view of them."""
        tuning = self.options.fine_tuning
        batches = picture_batches(
            pictures, FORWARD_BATCH, view, tuning.augmentation, self.options.seed
        )
        return feature_array(
            pictures, batches, model, self.hardware.strategy, CACHE_DTYPE, self.run_dir
        )


@dataclass(frozen=True)
class StageResult:
    """A trained classifier's weights, and how good they are on the eval split.

    Attributes:
        name: `frozen` or `fine_tuned`.
        weights: of the whole classifier.
        accuracy: over all eval pictures.
        domain_accuracy: per domain.
        seconds: the stage took, feature passes included.
        epochs: that were trained.
    """

    name: str
    weights: list[np.ndarray]
    accuracy: float
    domain_accuracy: dict[str, float]
    seconds: float
    epochs: int

    @property
    def mean_domain_accuracy(self) -> float:
        """Every domain counts the same, however many pictures it has."""
        return float(np.mean(list(self.domain_accuracy.values())))


def train_frozen(classifier: Classifier, task: Task) -> StageResult:
    """Stage 1: the frozen backbone sees every picture once; the head trains on its features.

    After the one pass an epoch costs next to nothing, so the head trains until the eval split
    says that it has converged.
    """
    start = time.perf_counter()
    options = task.options.frozen
    logger.info("frozen: features of %s pictures", f"{len(task.train) + len(task.eval):,}")
    train = task.forward(task.train, classifier.backbone.model)
    evaluation = task.forward(task.eval, classifier.backbone.model)
    targets = class_ids(task.train, classifier)
    with task.hardware.strategy.scope():
        classifier.head.compile(
            optimizer=keras.optimizers.AdamW(options.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    epochs = _fit(
        "frozen",
        classifier.head,
        training_batches([train], targets, options.batch_size, task.options.seed),
        options.epochs,
        options.patience,
        DomainAccuracy(evaluation, task.eval, classifier, classifier.head),
        task,
    )
    return _result("frozen", classifier, classifier.head, evaluation, task, start, epochs)


def fine_tune(classifier: Classifier, task: Task) -> StageResult:
    """Stage 2: the upper part of the backbone learns too, carefully.

    The part below the boundary stays as it is, so it runs once per view of a picture and its
    output is kept. Batch normalisation keeps its statistics: those of a small batch from a few
    domains are worse ("linear probing then fine-tuning", Kumar et al., arXiv 2202.10054, starts
    from the trained head for the same reason).
    """
    start = time.perf_counter()
    options = task.options.fine_tuning
    boundary = freeze_boundary(classifier, options.trainable_from)
    with task.hardware.strategy.scope():
        lower, upper = split_at(classifier.backbone.model, boundary)
        tail = keras.Model(upper.input, classifier.head(upper.output), name="tail")
    _freeze_statistics(tail)
    logger.info("fine_tuned: %s views of the pictures up to %s", options.views, boundary)
    views = [task.forward(task.train, lower, view) for view in range(options.views)]
    evaluation = task.forward(task.eval, lower)
    targets = class_ids(task.train, classifier)
    batches = training_batches(views, targets, options.batch_size, task.options.seed)
    steps = options.epochs * -(-len(targets) // options.batch_size)
    with task.hardware.strategy.scope():
        tail.compile(
            optimizer=LayerwiseAdamW(
                rate_factors(tail, classifier, options.rate_decay),
                learning_rate=warmup_cosine(options.learning_rate, steps, options.warmup),
                weight_decay=options.weight_decay,
            ),
            loss=_smoothed_loss(options.label_smoothing, len(classifier.labels)),
        )
    epochs = _fit(
        "fine_tuned",
        tail,
        batches,
        options.epochs,
        options.patience,
        DomainAccuracy(evaluation, task.eval, classifier, tail),
        task,
    )
    return _result("fine_tuned", classifier, tail, evaluation, task, start, epochs)


def choose(stages: list[StageResult]) -> StageResult:
    """The stage with the best mean-domain accuracy on the eval split; the earlier one on a tie."""
    return max(stages, key=lambda stage: stage.mean_domain_accuracy)


def freeze_boundary(classifier: Classifier, wanted: str) -> str:
    """The last block that stays frozen; `auto` is the middle of the network.

    Raises:
        InputError: the backbone has no such block.
    """
    blocks = classifier.backbone.blocks
    if wanted == "auto":
        return blocks[len(blocks) // 2]
    if wanted not in blocks:
        raise InputError(
            f"fine_tuning.trainable_from must be auto or a block of {classifier.backbone.name}: "
            f"{', '.join(blocks)}. Received: {wanted}"
        )
    return wanted


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


def class_ids(pictures: Pictures, classifier: Classifier) -> np.ndarray:
    """Class id of every picture, int32; -1 for a class that the classifier does not know."""
    ids = {label: number for number, label in enumerate(classifier.labels)}
    return np.array([ids.get(label, -1) for label in pictures.labels], np.int32)


def domain_accuracy(pictures: Pictures, correct: np.ndarray) -> dict[str, float]:
    """Share of correct answers per domain, in name order."""
    return {
        domain: float(correct[pictures.domains == domain].mean())
        for domain in sorted(set(pictures.domains))
    }


class DomainAccuracy(keras.callbacks.Callback):
    """After every epoch: the accuracy of each domain of the eval split, and their mean."""

    def __init__(
        self, features: ArrayOnDisk, pictures: Pictures, classifier: Classifier, model: keras.Model
    ) -> None:
        """Remember what to evaluate: cached features of the eval split, and the model on them."""
        super().__init__()
        self._features = features
        self._pictures = pictures
        self._targets = class_ids(pictures, classifier)
        self._model_on_features = model

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add `eval_mean_domain_accuracy` and one value per domain to the epoch's logs."""
        correct = predict(self._model_on_features, self._features) == self._targets
        accuracies = domain_accuracy(self._pictures, correct)
        if logs is not None:
            logs[CRITERION] = float(np.mean(list(accuracies.values())))
            logs.update({f"eval_accuracy_{name}": value for name, value in accuracies.items()})


def predict(model: keras.Model, features: ArrayOnDisk) -> np.ndarray:
    """Most probable class id per row."""
    logits = model.predict(ordered_batches(features, PREDICT_BATCH), verbose=0)
    return logits[: len(features.values)].argmax(axis=-1)


def _fit(
    stage: str,
    model: keras.Model,
    batches: Any,
    epochs: int,
    patience: int,
    evaluation: DomainAccuracy,
    task: Task,
) -> int:
    """Train with early stopping, keep the best weights; returns the number of epochs."""
    history = model.fit(
        batches,
        epochs=epochs,
        verbose=0,
        callbacks=[
            evaluation,
            keras.callbacks.EarlyStopping(
                CRITERION, mode="max", patience=patience, restore_best_weights=True
            ),
            keras.callbacks.TensorBoard(str(Path(task.run_dir, "tensorboard", stage))),
            keras.callbacks.LambdaCallback(on_epoch_end=_epoch_logger(stage, epochs)),
        ],
    )
    return len(history.epoch)


def _epoch_logger(stage: str, epochs: int) -> Callable[[int, dict[str, float]], None]:
    def log(epoch: int, logs: dict[str, float]) -> None:
        logger.info(
            "%s: epoch %s of %s, loss %.3f, eval %.3f",
            *(stage, epoch + 1, epochs, logs["loss"], logs[CRITERION]),
        )

    return log


def _result(
    name: str,
    classifier: Classifier,
    model: keras.Model,
    features: ArrayOnDisk,
    task: Task,
    start: float,
    epochs: int,
) -> StageResult:
    correct = predict(model, features) == class_ids(task.eval, classifier)
    return StageResult(
        name=name,
        weights=classifier.get_weights(),
        accuracy=float(correct.mean()),
        domain_accuracy=domain_accuracy(task.eval, correct),
        seconds=time.perf_counter() - start,
        epochs=epochs,
    )


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


def _smoothed_loss(smoothing: float, classes: int) -> Callable[[Any, Any], Any]:
    """Cross entropy against targets of which a part is spread over all classes.

    "Rethinking the Inception Architecture" (Szegedy et al., 2016), section 7.
    """
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)

    def smoothed(targets: Any, logits: Any) -> Any:
        return loss(keras.ops.one_hot(keras.ops.reshape(targets, (-1,)), classes), logits)

    return smoothed

"""Trains the fold models, and predicts each picture with the one that was trained without it.

The fold models are trained like the candidate, from the same start, on the activations that are
already stored, but for fewer epochs. ("Cross-validatory choice and assessment of statistical
predictions", Stone, 1974; the name is that of "Double/debiased machine learning", Chernozhukov et
al., 2018.)
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf
from scipy.special import softmax

from trainer_module.activations.activations import Activations
from trainer_module.activations.inference import embed, predict
from trainer_module.backbones import split_at
from trainer_module.classifier import Classifier, start_fine_tuning
from trainer_module.contract.output_text.wording import counted
from trainer_module.cross_fitting.fold_models import FoldModels, Weights, changed_weights
from trainer_module.cross_fitting.folds import NO_FOLD, Folds
from trainer_module.cross_fitting.out_of_fold import OutOfFold
from trainer_module.stages import frozen_stage
from trainer_module.stages.fine_tuning_stage import build_trained_part, create_epoch
from trainer_module.stages.stage_result import StageResult
from trainer_module.training_task import TrainingTask

logger = logging.getLogger("carryover.training")


#: Epochs of fine-tuning of a fold model, as a share of those of the candidate.
EPOCHS_SHARE = 1 / 3


@dataclass(frozen=True)
class Start:
    """Weights before the training.

    Attributes:
        weights: Weights of the classifier, see `Classifier.get_weights`.
        warm_classes: Number of classes, the first ones, whose part of the head comes from the
            serving model; 0 if the weights are not those of the serving model.
        fold_models: Fold models that are continued; None if there are none.
    """

    weights: Weights
    warm_classes: int
    fold_models: FoldModels | None


@dataclass(frozen=True)
class TrainedSplit:
    """Activations of one split, and the image IDs of its pictures.

    Attributes:
        image_ids: Image IDs, large binary [rows].
        activations: Activations of all pictures of the split.
    """

    image_ids: pa.LargeBinaryArray
    activations: Activations


def choose_start(
    folds: Folds, start: Start, classifier: Classifier, boundary: str | None
) -> tuple[Folds, Start]:
    """Choose what the fold models start from, and which pictures they can be tested on.

    Fold models start like the candidate. If there are pictures that the serving model was trained
    on, they continue those of the serving model instead. That needs stored activations that are the
    same for the serving model and for its fold models, so the boundary must not be above that of
    the training before. Otherwise these pictures cannot be cross-fitted.

    Args:
        folds: Folds of the run.
        start: Weights before the training.
        classifier: Classifier to train.
        boundary: Last block that stays frozen; None if the whole backbone does.

    Returns:
        Folds of the pictures that can be cross-fitted, and the start of the fold models.
    """
    like_candidate = replace(start, fold_models=None)
    if not folds.known or not start.warm_classes:
        return folds, like_candidate
    backbone = classifier.backbone.model
    frozen_part = backbone if boundary is None else split_at(backbone, boundary)[0]
    frozen = {id(variable) for variable in frozen_part.weights}
    positions = {n for n, variable in enumerate(backbone.weights) if id(variable) in frozen}
    if start.fold_models and not positions & start.fold_models.positions:
        return folds, start
    logger.warning(
        "cross-fitting leaves out %s: the serving version has no fold models that this training "
        "can continue",
        counted(len(folds.known), "known picture"),
    )
    return folds.without_known(), like_candidate


def cross_fit(
    classifier: Classifier,
    splits: tuple[TrainedSplit, TrainedSplit],
    folds: Folds,
    start: Start,
    boundary: str | None,
    chosen: StageResult,
    temperature: float,
    task: TrainingTask,
) -> tuple[OutOfFold, FoldModels] | None:
    """Train the fold models, and predict the pictures of each fold.

    The classifier has the weights of a fold model afterwards.

    Args:
        classifier: Classifier of the candidate.
        splits: Train split, with views, and eval split.
        folds: Folds of the pictures, see `choose_start`.
        start: Weights that the fold models start from.
        boundary: Last block that stayed frozen; None if the whole backbone did.
        chosen: Stage that the fold models repeat, with the weights that are exported. Its share of
            the fine-tuned weights is that of the fold models.
        temperature: Temperature of the candidate.
        task: Task of the training.

    Returns:
        Predictions and fold models; None if none of the pictures is in train or eval.
    """
    began = time.perf_counter()
    numbers = [folds.find(split.image_ids) for split in splits]
    names = sorted({int(fold) for number in numbers for fold in number} - {NO_FOLD})
    if not names:
        return None
    training = _FoldTraining(classifier, boundary, chosen, start, task)
    ids: list[bytes] = []
    held_out, probabilities, changed = [], [], {}
    for position, fold in enumerate(names, 1):
        logger.info("cross-fitting: fold %s of %s", position, len(names))
        kept = [
            split.activations.select(number != fold)
            for split, number in zip(splits, numbers, strict=True)
        ]
        training.train(fold, *kept)
        changed[fold] = changed_weights(classifier.get_weights(), chosen.weights)
        for split, number in zip(splits, numbers, strict=True):
            own = number == fold
            if own.any():
                logits = training.predict(split.activations.select(own))
                ids += split.image_ids.filter(pa.array(own)).to_pylist()
                held_out.append(number[own])
                probabilities.append(softmax(logits / temperature, axis=1))
    predictions = OutOfFold(
        image_ids=np.array(ids, np.bytes_),
        folds=np.concatenate(held_out),
        probabilities=np.concatenate(probabilities),
    )
    logger.info(
        "cross-fitting: %s fold models for %s pictures took %.0f s",
        len(changed),
        f"{len(predictions):,}",
        time.perf_counter() - began,
    )
    return predictions, FoldModels(changed)


@dataclass(frozen=True)
class _FoldTraining:
    """Trains fold models with one classifier, one after the other.

    Attributes:
        classifier: Classifier that gets the weights of each fold model.
        boundary: Last block that stays frozen; None if the whole backbone does.
        chosen: Stage that is repeated, with the weights of the candidate that are exported.
        start: Weights before the training.
        task: Task of the training.
    """

    classifier: Classifier
    boundary: str | None
    chosen: StageResult
    start: Start
    task: TrainingTask

    def train(self, fold: int, train: Activations, evaluation: Activations) -> None:
        """Give the classifier the weights of a fold model.

        Args:
            fold: Number of the fold.
            train: Activations of the train split, without the fold.
            evaluation: Activations of the eval split, without the fold.
        """
        task = replace(self.task, run_dir=str(Path(self.task.run_dir, f"fold-{fold}")))
        keras.utils.set_random_seed(task.options.seed)
        models, warm_classes = self.start.fold_models, self.start.warm_classes
        weights = self.start.weights
        is_continued = False
        if models is not None and fold in models.changed:
            weights, is_continued = models.start(fold, weights, warm_classes), True
        self.classifier.set_weights(weights)
        is_frozen = self.chosen.name == frozen_stage.NAME
        head = self.classifier.head.get_weights()
        if is_frozen or warm_classes < len(self.classifier.labels):
            if is_continued and self.boundary is not None:
                train, evaluation = self._embed(train), self._embed(evaluation)
            frozen_stage.train_frozen(self.classifier, train, evaluation, task, time.perf_counter())
        if not is_frozen and self.boundary is not None:
            start_fine_tuning(self.classifier, head, warm_classes)
            self._fine_tune(self.boundary, train, task)

    def predict(self, activations: Activations) -> npt.NDArray[np.float32]:
        """Return the logits of the fold model, float32 [rows, classes]."""
        if self.boundary is None:
            kernel, bias = self.classifier.head.get_weights()
            logits: npt.NDArray[np.float32] = (
                activations.embeddings[activations.rows].astype(np.float32) @ kernel + bias
            )
            return logits
        return predict(
            self._traced_logits,
            activations.views[0],
            activations.rows,
            len(self.classifier.labels),
            self.task,
        )

    @cached_property
    def _trained_part(self) -> keras.Model:
        return build_trained_part(self.classifier, str(self.boundary), self.task)

    @cached_property
    def _traced_logits(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Function of activations at the boundary. It is traced once for all fold models."""
        return tf.function(  # type: ignore[no-any-return]  # TensorFlow has no types
            lambda batch: self._trained_part(tf.cast(batch, tf.float32), training=False)[1],
            reduce_retracing=True,
        )

    def _embed(self, activations: Activations) -> Activations:
        """Return activations with the embeddings under the present weights, and no other rows."""
        own = embed(self.classifier, activations, self.boundary, self.task).astype(np.float16)
        embeddings: npt.NDArray[np.float16] = np.zeros(
            (len(activations.embeddings), own.shape[1]), np.float16
        )
        embeddings[activations.rows] = own
        return replace(activations, embeddings=embeddings)

    def _fine_tune(self, boundary: str, train: Activations, task: TrainingTask) -> None:
        """Train like `fine_tuning_stage.fine_tune`, with the candidate's share of new weights."""
        classifier, share = self.classifier, self.chosen.details.get("interpolation", 1.0)
        options = task.options.fine_tuning
        epochs = max(1, round(options.epochs * EPOCHS_SHARE))
        fewer = options.model_copy(update={"epochs": epochs})
        task = replace(task, options=task.options.model_copy(update={"fine_tuning": fewer}))
        averaged = round(epochs * options.averaging) or 1
        before = classifier.get_weights()
        train_epoch = create_epoch(self._trained_part, classifier, boundary, train, task)
        last: list[Weights] = []
        for epoch in range(epochs):
            train_epoch()
            if epoch >= epochs - averaged:
                last.append(classifier.get_weights())
        after = [np.mean(values, axis=0) for values in zip(*last, strict=True)]
        classifier.set_weights(
            [
                old if np.array_equal(old, new) else (1 - share) * old + share * new
                for old, new in zip(before, after, strict=True)
            ]
        )

"""Frozen stage: a new head on the embeddings of the frozen backbone."""

import logging
import time

import numpy as np
import numpy.typing as npt

from trainer_module.activations.activations import Activations
from trainer_module.classifier import Classifier
from trainer_module.data.weighting import number_names
from trainer_module.stages.head_search import HeadEpoch, search_head
from trainer_module.stages.linear_heads import LabelledEmbeddings
from trainer_module.stages.objectives import create_objective
from trainer_module.stages.scoring import class_ids, score
from trainer_module.stages.stage_result import StageResult
from trainer_module.training_task import TrainingTask

logger = logging.getLogger("carryover.training")

NAME = "frozen"


def train_frozen(
    classifier: Classifier,
    train: Activations,
    evaluation: Activations,
    task: TrainingTask,
    start: float,
) -> StageResult:
    """Train heads with different regularisation side by side, and keep the best one.

    The embeddings are computed already, so an epoch takes little time. With several workers, each
    trains the same heads.

    Args:
        classifier: Classifier that gets the best head.
        train: Activations of the train split, with embeddings.
        evaluation: Activations of the eval split, with embeddings.
        task: Task of the training.
        start: Time at which the stage began, from `time.perf_counter`.
    """
    options, criterion = task.options.frozen, task.options.criterion
    eval_rows = _label(evaluation, classifier, np.ones(len(evaluation), np.float32))
    write_metrics = task.metrics_writer(NAME)

    def log_epoch(epoch: HeadEpoch) -> None:
        write_metrics(epoch.number - 1, {"loss": epoch.loss, "eval": epoch.best_score})
        logger.info(
            "%s: epoch %s of %s, loss %.3f, eval %.3f",
            NAME,
            epoch.number,
            options.epochs,
            epoch.loss,
            epoch.best_score,
        )

    kernel, bias = classifier.head.get_weights()
    head = search_head(
        _label(train, classifier, train.weights(task)),
        eval_rows,
        lambda predicted: score(predicted, eval_rows.targets, evaluation.domains).by(criterion),
        (kernel, bias),
        objective=create_objective(task.options.objective, len(set(train.domains))),
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        patience=options.patience,
        seed=task.options.seed,
        on_epoch=log_epoch,
    )
    classifier.head.set_weights([head.kernel, head.bias])
    logits = eval_rows.embeddings.astype(np.float32) @ head.kernel + head.bias
    return StageResult(
        name=NAME,
        weights=classifier.get_weights(),
        logits=logits,
        score=score(logits.argmax(axis=-1), eval_rows.targets, evaluation.domains),
        seconds=time.perf_counter() - start,
        epochs=head.epochs,
        details={
            "weight_decay": head.recipe.weight_decay,
            "label_smoothing": head.recipe.label_smoothing,
            "curve": [{"loss": epoch.loss, "eval": epoch.best_score} for epoch in head.curve],
        },
    )


def _label(
    activations: Activations, classifier: Classifier, weights: npt.NDArray[np.float32]
) -> LabelledEmbeddings:
    """Return embeddings with targets, weights and domains; a copy only of a selection of rows."""
    embeddings = activations.embeddings
    if len(activations) < len(embeddings):
        embeddings = embeddings[activations.rows]
    targets = class_ids(activations.labels, classifier.labels)
    return LabelledEmbeddings(embeddings, targets, weights, number_names(activations.domains))

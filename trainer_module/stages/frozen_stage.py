"""Stage 1: a new head on the frozen backbone, which sees every picture once."""

import logging
import time

import numpy as np

from trainer_module.classifier import Classifier
from trainer_module.stages.heads import FeatureRows, HeadEpoch, train_heads
from trainer_module.stages.objectives import create_objective
from trainer_module.stages.scoring import class_ids, domain_ids, score
from trainer_module.stages.stages import Features, StageResult, Task

logger = logging.getLogger("carryover.training")

NAME = "frozen"


def train_frozen(
    classifier: Classifier, train: Features, evaluation: Features, task: Task, start: float
) -> StageResult:
    """Train heads of different regularisation side by side, and take the best on the eval split.

    The features are there already, so an epoch costs next to nothing. With several workers each
    trains the same heads.

    Args:
        classifier: gets the best head.
        train: pooled features to learn from.
        evaluation: pooled features to choose by.
        task: see `Task`.
        start: when the stage began, by `time.perf_counter`.
    """
    options, criterion = task.options.frozen, task.options.criterion
    judged = _rows(evaluation, classifier, np.ones(len(evaluation), np.float32))
    note = task.log(NAME)

    def log(epoch: HeadEpoch) -> None:
        note(epoch.number - 1, {"loss": epoch.loss, "eval": epoch.best_score})
        logger.info(
            "%s: epoch %s of %s, loss %.3f, eval %.3f",
            *(NAME, epoch.number, options.epochs, epoch.loss, epoch.best_score),
        )

    kernel, bias = classifier.head.get_weights()
    head = train_heads(
        _rows(train, classifier, train.weights(task)),
        judged,
        lambda answers: score(answers, judged.targets, evaluation.domains).by(criterion),
        (kernel, bias),
        objective=create_objective(task.options.objective, len(set(train.domains))),
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        patience=options.patience,
        seed=task.options.seed,
        log=log,
    )
    classifier.head.set_weights([head.kernel, head.bias])
    logits = judged.features.astype(np.float32) @ head.kernel + head.bias
    return StageResult(
        name=NAME,
        weights=classifier.get_weights(),
        logits=logits,
        score=score(logits.argmax(axis=-1), judged.targets, evaluation.domains),
        seconds=time.perf_counter() - start,
        epochs=head.epochs,
        details={
            "weight_decay": head.recipe.weight_decay,
            "label_smoothing": head.recipe.label_smoothing,
            "curve": [{"loss": epoch.loss, "eval": epoch.best_score} for epoch in head.curve],
        },
    )


def _rows(found: Features, classifier: Classifier, weights: np.ndarray) -> FeatureRows:
    """Pooled features with what belongs to them; all of a split, or a copy of some rows."""
    whole = len(found) == len(found.pooled)
    pooled = found.pooled if whole else found.pooled[found.rows]
    targets = class_ids(found.labels, classifier.labels)
    return FeatureRows(pooled, targets, weights, domain_ids(found.domains))

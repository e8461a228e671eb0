"""Semi-supervised stage: unlabelled pictures are trained on with the predictions of a teacher."""

import logging
import time

import numpy as np
import numpy.typing as npt

from trainer_module.activations.activations import Activations
from trainer_module.classifier import Classifier
from trainer_module.semi_supervised.teacher_training import ROUNDS, TeacherTraining
from trainer_module.stages import fine_tuning_stage, frozen_stage
from trainer_module.stages.fine_tuning_stage import (
    EvalSplit,
    Weights,
    assign_weights,
    build_trained_part,
    mix_weights,
    trainable_weights,
)
from trainer_module.stages.model_selection import does_harm
from trainer_module.stages.scoring import class_ids
from trainer_module.stages.stage_result import StageResult
from trainer_module.training_task import TrainingTask

logger = logging.getLogger("carryover.training")

NAME = "semi_supervised"

#: Shares of the teacher in the mixtures with the weights of before; the first that does no harm
#: is used.
SHARES = (0.75, 0.5, 0.25)


def train_semi_supervised(
    classifier: Classifier,
    boundary: str,
    train: Activations,
    unlabelled: Activations,
    evaluation: Activations,
    task: TrainingTask,
    start: float,
) -> StageResult:
    """Train on labelled and unlabelled pictures, from the weights of the fine-tuning stage.

    Half of every batch is labelled: replayed pictures, and a quarter of new ones. The other half
    are strong views of unlabelled pictures, with the class that a teacher predicts for the picture
    itself ("FixMatch", Sohn et al., arXiv 2001.07685). The teacher is the moving average of the
    weights ("Mean teachers are better role models", Tarvainen and Valpola, arXiv 1703.01780). Its
    predictions are renewed for all unlabelled pictures in every round, and those that are confident
    for their class are trained on (`pseudo_labels`).

    The stage is judged at its end: while the learning rate is high, every model is worse than the
    one before the stage. Then three quarters of the teacher are mixed with a quarter of the weights
    at the start ("Robust fine-tuning of zero-shot models", Wortsman et al., arXiv 2109.01903): that
    keeps what it gained in the new domain, and spares the known ones. If the mixture is worse than
    before on the eval split, by more than chance, a smaller share is tried, and at last the stage
    is not used. For a domain without any label, the eval split shows the harm in the other domains
    alone.

    Args:
        classifier: Classifier after fine-tuning; it gets the mixture of weights.
        boundary: Last block that stays frozen, or `INPUT`.
        train: Activations of the train split, with views.
        unlabelled: Activations of unlabelled pictures; the views after the first are strong.
        evaluation: Activations of the eval split, with the first view.
        task: Task of the training.
        start: Time at which the stage began, from `time.perf_counter`.
    """
    trained_part = build_trained_part(classifier, boundary, task)
    targets = class_ids(evaluation.labels, classifier.labels)
    eval_split = EvalSplit(trained_part, evaluation, targets, task)
    training = TeacherTraining(trained_part, classifier, boundary, train, unlabelled, task)
    start_weights = trainable_weights(trained_part)
    before = eval_split.predict()
    curve = _train_rounds(training, eval_split)
    share, logits = _select_share(start_weights, training.teacher(), before, eval_split)
    return StageResult(
        name=NAME,
        weights=classifier.get_weights(),
        logits=logits,
        score=eval_split.score(logits),
        seconds=time.perf_counter() - start,
        epochs=len(curve),
        details={"boundary": boundary, "interpolation": share, "curve": curve},
        replaces=_replaced_stages(unlabelled, evaluation) if share else (),
    )


def _replaced_stages(unlabelled: Activations, evaluation: Activations) -> tuple[str, ...]:
    """Return the names of the stages whose place this one takes, where it does no harm.

    It continues the fine-tuning stage. The eval split has no picture that shows its gain in a
    domain without any label: a head trained on the known domains alone would be chosen by chance.
    """
    has_unseen = bool(set(unlabelled.domains) - set(evaluation.domains))
    return (frozen_stage.NAME, fine_tuning_stage.NAME) if has_unseen else (fine_tuning_stage.NAME,)


def _train_rounds(training: TeacherTraining, eval_split: EvalSplit) -> list[dict[str, float]]:
    """Train all rounds, and return the metrics of each."""
    write_metrics = training.task.metrics_writer(NAME)
    criterion = training.task.options.criterion
    curve: list[dict[str, float]] = []
    for number in range(ROUNDS):
        labels = training.predict_labels()
        if not labels.share:  # the predictions are not finite: the export says what to do
            break
        loss = training.train_round(number, labels)
        with training.teacher_weights():
            accuracy = eval_split.score(eval_split.predict()).by(criterion)
        curve.append({"loss": loss, "eval": accuracy, "unlabelled": labels.share})
        write_metrics(number, curve[-1])
        logger.info(
            "%s: round %s of %s, loss %.3f, eval %.3f, %.0f %% of the unlabelled pictures",
            NAME,
            number + 1,
            ROUNDS,
            loss,
            accuracy,
            100 * labels.share,
        )
    return curve


def _select_share(
    start: Weights, teacher: Weights, before: npt.NDArray[np.float32], eval_split: EvalSplit
) -> tuple[float, npt.NDArray[np.float32]]:
    """Assign the mixture of two sets of weights; return its share and its logits.

    The eval split has few labelled pictures of a new domain. It can show that the stage does harm,
    but seldom by how much it helps. So it decides only whether a share is allowed. A share of 0
    keeps the weights of before.
    """
    for share in SHARES:
        assign_weights(eval_split.trained_part, mix_weights(start, teacher, share))
        logits = eval_split.predict()
        if not _does_harm(before, logits, eval_split):
            logger.info(
                "%s: a share of %.0f %% of the teacher's weights is used", NAME, share * 100
            )
            return share, logits
    assign_weights(eval_split.trained_part, start)
    logger.info("%s: it makes the eval split worse, so its weights are not used", NAME)
    return 0.0, before


def _does_harm(
    before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], eval_split: EvalSplit
) -> bool:
    """Return whether the eval split, or a domain of it, is worse than before by more than chance.

    Pseudo-labels of one domain can make another one worse.
    """
    return does_harm(
        eval_split.correct(before),
        eval_split.correct(after),
        eval_split.activations.domains,
        eval_split.task.options.criterion,
    )

"""Training of a classifier: all stages, and export of the best one."""

import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa

from trainer_module.activations.activation_cache import remove_full_cache
from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import (
    add_views,
    extract_activations,
    extract_unlabelled,
)
from trainer_module.activations.inference import create_embedding
from trainer_module.classifier import (
    Classifier,
    build_classifier,
    extend_labels,
    start_fine_tuning,
    warm_start,
)
from trainer_module.cross_fitting.cross_fit import Start, TrainedSplit, choose_start, cross_fit
from trainer_module.cross_fitting.fold_models import read_fold_models
from trainer_module.cross_fitting.folds import Folds
from trainer_module.data.transformed_examples import Pictures, read_pictures
from trainer_module.data.weighting import NewPictures
from trainer_module.export.acceptance import Acceptance
from trainer_module.export.calibration import Calibration, calibrate, confidences
from trainer_module.export.model_description import (
    ACCEPTANCE,
    UNLABELLED_DOMAINS,
    read_description,
    unlabelled_domains,
)
from trainer_module.export.reference_embeddings import Reference
from trainer_module.export.rule_fitting import EvalPredictions, fit_rule
from trainer_module.export.saved_model import export_classifier, load_classifier
from trainer_module.hardware import Hardware, set_up_hardware
from trainer_module.label_issues.label_issues import LabelIssues, find_label_issues
from trainer_module.label_issues.linear_cross_validation import EmbeddingRows
from trainer_module.multi_worker.multi_worker import JOB_FOLDER, train_as_chief
from trainer_module.semi_supervised import semi_supervised_stage
from trainer_module.semi_supervised.semi_supervised_stage import train_semi_supervised
from trainer_module.stages.fine_tuning_stage import fine_tune, freeze_boundary
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.stages.model_selection import describe_choice, select_stage
from trainer_module.stages.scoring import class_ids
from trainer_module.stages.stage_result import StageResult
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import TrainingTask, create_task

logger = logging.getLogger("carryover.training")


def run_fn(fn_args: Any) -> None:
    """Train and export a classifier; TFX's Trainer calls this.

    Args:
        fn_args: TFX's `FnArgs`. Used are `train_files` and `eval_files` (patterns of transformed
            examples), `base_model` (path of the serving model, or None), `serving_model_dir` and
            `model_run_dir` (folders for the results) and `custom_config`, with the keys
            `training` (see `TrainingOptions`) and, optionally, `activation_cache` (folder of
            cached activations, with their limit), `new_pictures` (see `weighting.NewPictures`),
            `unlabelled` (pattern of transformed examples without labels), `folds` (see
            `cross_fitting.folds.Folds`) and `job_folder` (folder in which the chief publishes jobs,
            see `multi_worker`).

    Raises:
        InputError: A split is empty, or an option does not fit the backbone or the hardware.
    """
    if JOB_FOLDER in fn_args.custom_config:
        train_as_chief(fn_args)
        return
    options = TrainingOptions.model_validate(fn_args.custom_config["training"])
    hardware = set_up_hardware(options.precision)
    keras.utils.set_random_seed(options.seed)

    size, workers = options.image_size, hardware.workers
    train = read_pictures(fn_args.train_files, size, workers)
    evaluation = read_pictures(fn_args.eval_files, size, workers)
    pattern = fn_args.custom_config.get("unlabelled")
    unlabelled = read_pictures([pattern], size, workers) if pattern else None
    task = _create_task(fn_args, options, hardware)
    labels = {*train.labels, *evaluation.labels}
    classifier, warm_classes = _create_classifier(fn_args.base_model, labels, task)
    fold_models = read_fold_models(fn_args.base_model) if warm_classes else None
    start = Start(classifier.get_weights(), warm_classes, fold_models)

    trained = train_stages(classifier, train, evaluation, task, warm_classes, unlabelled)
    chosen = select_stage(
        trained.stages,
        evaluation.labels,
        evaluation.domains,
        classifier.labels,
        options.criterion,
        task.is_retraining,
    )
    logger.info(
        "%s is exported: %s",
        chosen.name,
        describe_choice(trained.stages, chosen, options.criterion, task.is_retraining),
    )

    targets = class_ids(evaluation.labels, classifier.labels)
    calibration = calibrate(chosen.logits, targets, evaluation.domains)
    folds, start = choose_start(task.folds, start, classifier, trained.boundary)
    cross_fitted = None
    if folds:
        cross_fitted = cross_fit(
            classifier,
            (
                TrainedSplit(train.image_ids, trained.train_activations),
                TrainedSplit(evaluation.image_ids, trained.eval_activations),
            ),
            folds,
            start,
            trained.boundary,
            _recipe_of_fold_models(trained.stages, chosen),
            calibration.temperature,
            task,
        )
    classifier.set_weights(chosen.weights)
    embed = create_embedding(classifier, trained.boundary, task)
    predictions = EvalPredictions(
        embed(trained.eval_activations),
        confidences(chosen.logits, calibration.temperature),
        chosen.logits.argmax(axis=1) == targets,
        evaluation.domains,
    )
    accepted = options.serve.accepted_accuracy
    rule, acceptance = fit_rule(embed, trained.train_activations, predictions, accepted)
    if hardware.is_chief:
        report = _report(trained.stages, chosen, calibration, acceptance, hardware.description)
        report[UNLABELLED_DOMAINS] = _all_unlabelled_domains(unlabelled, fn_args.base_model)
        folder = fn_args.serving_model_dir
        export_classifier(classifier, report, folder, calibration.temperature, rule)
        sample = Reference(
            predictions.embeddings,
            predictions.confidences,
            predictions.domains,
            evaluation.labels,
        )
        sample.write(folder)
        for result in cross_fitted or ():
            result.write(folder)
        _find_label_issues((train, evaluation), trained, options.seed).write(folder)


@dataclass(frozen=True)
class TrainedStages:
    """Results of the stages of one training.

    Attributes:
        stages: Results of one to three stages, in the order of training.
        train_activations: Activations of the train split under the weights before the training.
        eval_activations: Activations of the eval split under the same weights.
        boundary: Block up to which the backbone did not change; None without fine-tuning.
    """

    stages: list[StageResult]
    train_activations: Activations
    eval_activations: Activations
    boundary: str | None


def train_stages(
    classifier: Classifier,
    train: Pictures,
    evaluation: Pictures,
    task: TrainingTask,
    warm_classes: int = 0,
    unlabelled: Pictures | None = None,
) -> TrainedStages:
    """Run the frozen stage and, unless it has no epochs, the fine-tuning stage.

    With unlabelled pictures the semi-supervised stage follows fine-tuning. The classifier has the
    weights of the last stage afterwards. Fine-tuning starts from the head of the frozen stage, in a
    retraining from that of the serving model (`start_fine_tuning`): a head trained on a few
    pictures of a new domain is a worse start, and forgets the other domains.

    Args:
        classifier: Classifier to train.
        train: Pictures to train on.
        evaluation: Pictures that every choice is based on.
        task: Task of the training.
        warm_classes: Number of classes, the first ones, whose part of the head comes from the
            serving model.
        unlabelled: Pictures without labels.
    """
    tuning = task.options.fine_tuning
    boundary = freeze_boundary(classifier, tuning.trainable_from) if tuning.epochs else None
    start = time.perf_counter()
    logger.info("frozen: activations of %s pictures", f"{len(train) + len(evaluation):,}")
    train_activations, eval_activations = extract_activations(
        (train, evaluation), classifier, boundary, task
    )
    first_head = classifier.head.get_weights()
    stages = [train_frozen(classifier, train_activations, eval_activations, task, start)]
    if boundary is not None:
        start = time.perf_counter()
        start_fine_tuning(classifier, first_head, warm_classes)
        train_activations = add_views(train_activations, train, classifier, boundary, task)
        stages.append(
            fine_tune(classifier, boundary, train_activations, eval_activations, task, start)
        )
    if boundary is not None and unlabelled:
        start = time.perf_counter()
        stages.append(
            train_semi_supervised(
                classifier,
                boundary,
                train_activations,
                extract_unlabelled(unlabelled, classifier, boundary, task),
                eval_activations,
                task,
                start,
            )
        )
    return TrainedStages(stages, train_activations, eval_activations, boundary)


def _find_label_issues(
    splits: tuple[Pictures, Pictures], trained: TrainedStages, seed: int
) -> LabelIssues:
    """Examine the labels of the train and the eval split under the weights before the training."""
    activations = (trained.train_activations, trained.eval_activations)
    return find_label_issues(
        pa.concat_arrays([split.image_ids for split in splits]),
        [EmbeddingRows(each.embeddings, each.rows) for each in activations],
        np.concatenate([each.domains for each in activations]),
        np.concatenate([each.labels for each in activations]),
        seed,
    )


def _recipe_of_fold_models(stages: list[StageResult], chosen: StageResult) -> StageResult:
    """Return the stage that the fold models repeat, with the weights of the exported model.

    Fold models are trained without unlabelled pictures, which would take as long as the training
    itself for each of them. So their predictions are those of labels alone.
    """
    if chosen.name != semi_supervised_stage.NAME:
        return chosen
    return replace(stages[-2], weights=chosen.weights)


def _create_task(fn_args: Any, options: TrainingOptions, hardware: Hardware) -> TrainingTask:
    config = fn_args.custom_config
    Path(fn_args.model_run_dir).mkdir(parents=True, exist_ok=True)
    cache = config.get("activation_cache")
    if cache and hardware.is_chief:
        remove_full_cache(cache)
    return create_task(
        options,
        hardware,
        folder=fn_args.model_run_dir,
        cache=cache,
        new_pictures=NewPictures(**config.get("new_pictures", {})),
        folds=Folds(**config.get("folds", {})),
    )


def _create_classifier(
    base_model: str | None, labels: set[str], task: TrainingTask
) -> tuple[Classifier, int]:
    """Return the classifier to train, and the number of classes that it has from the base model."""
    options = task.options
    with task.hardware.strategy.scope():
        baseline = load_classifier(base_model) if base_model else None
        known = baseline.labels if baseline else ()
        all_labels = extend_labels(known, labels)
        classifier = build_classifier(options.backbone, options.image_size, all_labels)
        if baseline and options.warm_start and classifier.backbone.is_like(baseline.backbone):
            warm_start(classifier, baseline)
            logger.info("starting from the serving model")
            return classifier, len(known)
    return classifier, 0


def _all_unlabelled_domains(unlabelled: Pictures | None, base_model: str | None) -> list[str]:
    """Return the domains of unlabelled pictures of this training, and of those before it."""
    earlier = unlabelled_domains(read_description(base_model)) if base_model else frozenset()
    return sorted(earlier | set(unlabelled.domains if unlabelled else ()))


def _report(
    stages: list[StageResult],
    chosen: StageResult,
    calibration: Calibration,
    acceptance: Acceptance,
    device: str,
) -> dict[str, Any]:
    """Return what the model's description says about its training."""
    rows: dict[str, Any] = {"chosen": chosen.name, "device": device}
    for stage in stages:
        rows[stage.name] = {
            **asdict(stage.score),
            "mean_domain_accuracy": stage.score.mean_domain_accuracy,
            "seconds": stage.seconds,
            "epochs": stage.epochs,
            **stage.details,
        }
    return rows | {"calibration": asdict(calibration), ACCEPTANCE: asdict(acceptance)}

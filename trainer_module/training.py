"""The whole training story: two stages, the better one is exported."""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from trainer_module.classifier import (
    Classifier,
    adopt,
    adopt_head,
    build_classifier,
    extend_labels,
)
from trainer_module.data.input_data import Pictures, read_pictures
from trainer_module.data.weighting import Fresh
from trainer_module.export.calibration import calibrate, confidences
from trainer_module.export.reference_embeddings import Reference
from trainer_module.export.saved_model import export_classifier, load_classifier
from trainer_module.hardware import set_up_hardware
from trainer_module.multi_worker.multi_worker import RENDEZVOUS, lead
from trainer_module.stages.fine_tuning_stage import fine_tune
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.stages.scoring import class_ids
from trainer_module.stages.stages import (
    Features,
    StageResult,
    Task,
    add_views,
    choose,
    create_task,
    embed,
    extract_features,
    freeze_boundary,
)
from trainer_module.training_options import TrainingOptions

logger = logging.getLogger("carryover.training")


def run_fn(fn_args: Any) -> None:
    """Train and export a classifier; TFX's Trainer calls this.

    Args:
        fn_args: TFX's `FnArgs`: `train_files`, `eval_files` (transformed examples), `base_model`
            (the model that serves now, or None), `custom_config` with `training` (see
            `TrainingOptions`) and perhaps `feature_cache` (a folder) and `fresh` (see
            `weighting.Fresh`), `serving_model_dir` and `model_run_dir` for the results. With
            `rendezvous` in `custom_config`, others train along, see `together`.
    """
    if RENDEZVOUS in fn_args.custom_config:
        lead(fn_args)
        return
    options = TrainingOptions.model_validate(fn_args.custom_config["training"])
    hardware = set_up_hardware(options.precision)
    keras.utils.set_random_seed(options.seed)

    train = read_pictures(fn_args.train_files, options.image_size)
    evaluation = read_pictures(fn_args.eval_files, options.image_size)
    folder = _made(fn_args.model_run_dir)
    # Workers would write to the same cache.
    cache = fn_args.custom_config.get("feature_cache") if hardware.is_alone else None
    fresh = Fresh(**fn_args.custom_config.get("fresh", {}))
    task = create_task(options, hardware, folder, cache, fresh)

    adopted = 0
    with hardware.strategy.scope():
        baseline = load_classifier(fn_args.base_model) if fn_args.base_model else None
        known = baseline.labels if baseline else ()
        labels = extend_labels(known, {*train.labels, *evaluation.labels})
        classifier = build_classifier(options.backbone, options.image_size, labels)
        if baseline and options.warm_start and baseline.backbone.name == classifier.backbone.name:
            adopt(classifier, baseline)
            adopted = len(known)
            logger.info("starting from the model that serves now")

    trained = train_stages(classifier, train, evaluation, task, adopted)
    chosen = choose(trained.stages, classifier, trained.evaluation, task)
    logger.info("%s is better on the eval split and is exported", chosen.name)

    classifier.set_weights(chosen.weights)
    calibration = calibrate(chosen.logits, class_ids(evaluation.labels, labels), evaluation.domains)
    report = _report(trained.stages, chosen, hardware.description)
    report["calibration"] = asdict(calibration)
    embeddings = embed(classifier, trained.evaluation, trained.boundary, task)
    if hardware.is_chief:
        export_classifier(classifier, report, fn_args.serving_model_dir, calibration.temperature)
        sure = confidences(chosen.logits, calibration.temperature)
        reference = Reference(embeddings, sure, evaluation.domains)
        reference.write(fn_args.serving_model_dir)


@dataclass(frozen=True)
class Trained:
    """What training left behind.

    Attributes:
        stages: one or two, see `StageResult`.
        evaluation: features of the eval split.
        boundary: block below which stage 2 changed nothing; None without a stage 2.
    """

    stages: list[StageResult]
    evaluation: Features
    boundary: str | None


def train_stages(
    classifier: Classifier, train: Pictures, evaluation: Pictures, task: Task, adopted: int = 0
) -> Trained:
    """Stage 1, and stage 2 unless it is left out; the classifier holds the last one's weights.

    What stage 2 reads comes out of stage 1's pass over the pictures. It goes on from stage 1's
    head, or, for classes that the model that serves knows, from that model's: a head trained anew
    on a few pictures of a new domain is a worse start, and forgets.

    Args:
        classifier: to train.
        train: pictures to learn from.
        evaluation: pictures to choose by.
        task: see `Task`.
        adopted: number of classes, the first ones, whose part of the head is one that serves.
    """
    tuning = task.options.fine_tuning
    boundary = freeze_boundary(classifier, tuning.trainable_from) if tuning.epochs else None
    start = time.perf_counter()
    logger.info("frozen: features of %s pictures", f"{len(train) + len(evaluation):,}")
    learning = extract_features(train, classifier, boundary, task)
    judging = extract_features(evaluation, classifier, boundary, task)
    served = classifier.head.get_weights()
    stages = [train_frozen(classifier, learning, judging, task, start)]
    if boundary is not None:
        start = time.perf_counter()
        adopt_head(classifier, served, adopted)
        learning = add_views(learning, train, classifier, boundary, task)
        stages.append(fine_tune(classifier, boundary, learning, judging, task, start))
    return Trained(stages, judging, boundary)


def _made(folder: str) -> str:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def _report(stages: list[StageResult], chosen: StageResult, device: str) -> dict[str, Any]:
    rows: dict[str, Any] = {"chosen": chosen.name, "device": device}
    for stage in stages:
        rows[stage.name] = {
            **asdict(stage.score),
            "mean_domain_accuracy": stage.score.mean_domain_accuracy,
            "seconds": stage.seconds,
            "epochs": stage.epochs,
            **stage.details,
        }
    return rows

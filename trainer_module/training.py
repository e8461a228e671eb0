"""The whole training story: two stages, the better one is exported."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from trainer_module.classifier import adopt, build_classifier, extend_labels
from trainer_module.export import export_classifier, load_classifier
from trainer_module.hardware import set_up_hardware
from trainer_module.input_data import read_pictures
from trainer_module.options import TrainingOptions
from trainer_module.stages import StageResult, Task, choose, fine_tune, train_frozen

logger = logging.getLogger("carryover.training")


def run_fn(fn_args: Any) -> None:
    """Train and export a classifier; TFX's Trainer calls this.

    Args:
        fn_args: TFX's `FnArgs`: `train_files`, `eval_files` (transformed examples), `base_model`
            (the model that serves now, or None), `custom_config` with `training` (see
            `TrainingOptions`), `serving_model_dir` and `model_run_dir` for the results.
    """
    options = TrainingOptions.model_validate(fn_args.custom_config["training"])
    hardware = set_up_hardware(options.precision)
    keras.utils.set_random_seed(options.seed)

    train = read_pictures(fn_args.train_files, options.image_size)
    evaluation = read_pictures(fn_args.eval_files, options.image_size)
    task = Task(train, evaluation, options, hardware, _made(fn_args.model_run_dir))

    with hardware.strategy.scope():
        baseline = load_classifier(fn_args.base_model) if fn_args.base_model else None
        known = baseline.labels if baseline else ()
        labels = extend_labels(known, {*train.labels, *evaluation.labels})
        classifier = build_classifier(options.backbone, options.image_size, labels)
        if baseline and options.warm_start and baseline.backbone.name == classifier.backbone.name:
            adopt(classifier, baseline)
            logger.info("starting from the model that serves now")

    stages = [train_frozen(classifier, task)]
    if options.fine_tuning.epochs:
        stages.append(fine_tune(classifier, task))
    chosen = choose(stages)
    logger.info("%s is better on the eval split and is exported", chosen.name)

    classifier.set_weights(chosen.weights)
    report = _report(stages, chosen, hardware.description)
    export_classifier(classifier, report, fn_args.serving_model_dir)


def _made(folder: str) -> str:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def _report(stages: list[StageResult], chosen: StageResult, device: str) -> dict[str, Any]:
    rows: dict[str, Any] = {"chosen": chosen.name, "device": device}
    for stage in stages:
        row = asdict(stage)
        row.pop("weights")
        rows[row.pop("name")] = row | {"mean_domain_accuracy": stage.mean_domain_accuracy}
    return rows

"""Training of one trial, from the pretrained weights and on shared activations."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import keras

from trainer_module.classifier import build_classifier, extend_labels
from trainer_module.data.transformed_examples import Pictures
from trainer_module.hardware import Hardware
from trainer_module.stages.fine_tuning_stage import fine_tune, freeze_boundary
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.stages.model_selection import select_stage
from trainer_module.stages.scoring import class_ids
from trainer_module.stages.stage_result import StageResult
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import EpochObserver, create_task
from trainer_module.tuning.best_trial import EvalRows
from trainer_module.tuning.shared_activations import SharedActivations


@dataclass(frozen=True)
class SearchData:
    """Pictures of a search. There is no test split among them.

    Attributes:
        train: Pictures to train on.
        evaluation: Pictures that every choice is based on.
    """

    train: Pictures
    evaluation: Pictures


class TrialTrainer:
    """Trains with any options, and returns the result of the stage that a run would export."""

    def __init__(
        self, data: SearchData, options: TrainingOptions, hardware: Hardware, folder: str
    ) -> None:
        """Build the classifier that all trials train.

        Args:
            data: Pictures of both splits.
            options: Options as configured.
            hardware: Devices and precision.
            folder: Folder for activations that do not fit into memory, and TensorBoard logs.
        """
        keras.utils.set_random_seed(options.seed)
        labels = extend_labels((), {*data.train.labels, *data.evaluation.labels})
        with hardware.strategy.scope():
            self._classifier = build_classifier(options.backbone, options.image_size, labels)
        self._start = self._classifier.get_weights()
        self._evaluation = data.evaluation
        self._folder = folder
        self._task = create_task(options, hardware, folder)
        self._shared = SharedActivations(
            self._classifier, data.train, data.evaluation, self._task.store.space
        )

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the backbone's blocks, from input to output."""
        return self._classifier.backbone.blocks

    def eval_rows(self) -> EvalRows:
        """Return the labels of the eval split."""
        targets = class_ids(self._evaluation.labels, self._classifier.labels)
        return EvalRows(targets, self._evaluation.domains, self._task.options.criterion)

    def train(self, number: int, options: TrainingOptions, on_epoch: EpochObserver) -> StageResult:
        """Train one trial as a first run does.

        Args:
            number: Number of the trial.
            options: Options of the trial.
            on_epoch: Function to call after every epoch. An error in it ends the trial.
        """
        run_dir = str(Path(self._folder, f"trial-{number:05d}"))
        task = replace(self._task, options=options, run_dir=run_dir, on_epoch=on_epoch)
        classifier = self._classifier
        keras.utils.set_random_seed(options.seed)
        classifier.set_weights(self._start)
        tuning = options.fine_tuning
        boundary = freeze_boundary(classifier, tuning.trainable_from) if tuning.epochs else None
        splits = self._shared.splits(boundary, task)
        train, evaluation = splits.train, splits.evaluation
        stages = [train_frozen(classifier, train, evaluation, task, time.perf_counter())]
        if boundary is not None:
            start = time.perf_counter()
            stages.append(fine_tune(classifier, boundary, train, evaluation, task, start))
        return select_stage(
            stages,
            evaluation.labels,
            evaluation.domains,
            classifier.labels,
            options.criterion,
        )


@contextmanager
def quiet_stages() -> Iterator[None]:
    """Keep the messages of the stages from the terminal, where each trial has two lines."""
    logger = logging.getLogger("carryover.training")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)

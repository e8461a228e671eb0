"""Settings and resources of one training, which both stages share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from trainer_module.activations.activation_budget import activation_budget
from trainer_module.activations.activation_store import ActivationStore
from trainer_module.cross_fitting.folds import NO_FOLDS, Folds
from trainer_module.data.weighting import NO_NEW_PICTURES, NewPictures
from trainer_module.hardware import Hardware
from trainer_module.multi_worker.tf_config import read_cluster
from trainer_module.training_options import TrainingOptions

#: Function of an epoch's number and its metrics that writes them to TensorBoard's log.
MetricsWriter = Callable[[int, dict[str, float]], None]

#: Function of a stage's name, the number of an epoch and its metrics. An error in it ends the
#: training.
EpochObserver = Callable[[str, int, dict[str, float]], None]


@dataclass(frozen=True)
class TrainingTask:
    """Settings and resources of one training.

    Attributes:
        options: Options of the trainer.
        hardware: Devices and precision, see `hardware.set_up_hardware`.
        run_dir: Folder for TensorBoard logs.
        store: Storage for activations.
        cache: Folder for activations that later trainings reuse, see
            `activation_cache.write_limit`; None to cache nothing.
        new_pictures: Pictures that the baseline was not trained on.
        folds: Folds of the pictures that are cross-fitted.
        on_epoch: Function to call after every epoch of a stage, and every pass for random views
            (as the stage `views`, without metrics); None to call nothing.
    """

    options: TrainingOptions
    hardware: Hardware
    run_dir: str
    store: ActivationStore
    cache: str | None = None
    new_pictures: NewPictures = NO_NEW_PICTURES
    folds: Folds = NO_FOLDS
    on_epoch: EpochObserver | None = None

    @property
    def is_retraining(self) -> bool:
        """Whether there are pictures that the baseline was not trained on."""
        return bool(self.new_pictures.folders)

    def metrics_writer(self, stage: str) -> MetricsWriter:
        """Return a function that writes metrics to the stage's log, and calls `on_epoch`."""
        writer = tf.summary.create_file_writer(str(Path(self.run_dir, "tensorboard", stage)))

        def write(epoch: int, metrics: dict[str, float]) -> None:
            with writer.as_default(step=epoch):
                for name, value in metrics.items():
                    tf.summary.scalar(name, value)
            if self.on_epoch:
                self.on_epoch(stage, epoch, metrics)

        return write


def create_task(
    options: TrainingOptions,
    hardware: Hardware,
    folder: str,
    cache: str | None = None,
    new_pictures: NewPictures = NO_NEW_PICTURES,
    folds: Folds = NO_FOLDS,
) -> TrainingTask:
    """Return a task that keeps its activations and logs in one folder.

    Args:
        options: Options of the trainer.
        hardware: Devices and precision.
        folder: Folder for TensorBoard logs, and for activations that do not fit into memory.
        cache: Folder for activations that later trainings reuse; None to cache nothing.
        new_pictures: Pictures that the baseline was not trained on.
        folds: Folds of the pictures that are cross-fitted.
    """
    processes = read_cluster().processes_on_host
    store = ActivationStore(folder, activation_budget(options.cache_memory, processes))
    return TrainingTask(options, hardware, folder, store, cache, new_pictures, folds)

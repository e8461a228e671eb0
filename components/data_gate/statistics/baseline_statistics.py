"""Training statistics stored with a serving version, for later runs to compare with."""

from tfx.dsl.io import fileio

from components.data_gate.statistics.split_statistics import (
    STATISTICS_FILE,
    SplitStatistics,
    read_statistics,
    split_file,
)
from trainer_module.contract.model_assets import STATISTICS
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading


def write_baseline_statistics(statistics_uri: str, model_folder: str) -> None:
    """Copy the statistics of the training split to a model.

    Args:
        statistics_uri: URI of StatisticsGen's `statistics` artifact.
        model_folder: Folder of the SavedModel.
    """
    fileio.makedirs(f"{model_folder}/{STATISTICS}")
    copy = f"{model_folder}/{STATISTICS}/{STATISTICS_FILE}"
    fileio.copy(split_file(statistics_uri, "train"), copy, overwrite=True)


def read_baseline_statistics(model_folder: str) -> SplitStatistics | None:
    """Return the training statistics of a model; None for a version pushed without them.

    Args:
        model_folder: Folder of the SavedModel.

    Raises:
        UnavailableError: The statistics are unreadable or damaged.
    """
    path = f"{model_folder}/{STATISTICS}/{STATISTICS_FILE}"
    if not fileio.exists(path):
        return None
    with reading(path, "statistics", RESTORE_VERSION):
        statistics = read_statistics(path)
        if not statistics.overall.count:  # the format takes an empty file for an empty split
            raise ValueError("the file is empty")
        return statistics

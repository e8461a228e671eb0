"""Training statistics kept with a serving version, for the next run to compare with."""

from tfx.dsl.io import fileio

from components.data_gate.statistics.split_statistics import (
    FILE,
    SplitStatistics,
    read_file,
    split_file,
)

#: Below the folder of a SavedModel.
FOLDER = "assets.extra/statistics"


def write_baseline_statistics(statistics_uri: str, model_folder: str) -> None:
    """Keep the statistics of the training split with a model.

    Args:
        statistics_uri: of StatisticsGen's `statistics` artifact.
        model_folder: of the SavedModel.
    """
    fileio.makedirs(f"{model_folder}/{FOLDER}")
    kept = f"{model_folder}/{FOLDER}/{FILE}"
    fileio.copy(split_file(statistics_uri, "train"), kept, overwrite=True)


def read_baseline_statistics(model_folder: str) -> SplitStatistics | None:
    """What a model was trained on; None for a version that was pushed without statistics.

    Args:
        model_folder: of the SavedModel.
    """
    path = f"{model_folder}/{FOLDER}/{FILE}"
    return read_file(path) if fileio.exists(path) else None

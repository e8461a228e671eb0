"""Options and metrics of a run for the HParams page of TensorBoard."""

import shutil
from pathlib import Path

from pipeline.publishing.run_figures import run_metrics, run_options
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace

#: Folder in the folder of a run.
FOLDER = "tensorboard"


def write_tensorboard_run(folder: Path) -> Path:
    """Write the events of a run that has ended; `tensorboard --logdir <workspace>/runs` shows them.

    Args:
        folder: Folder of the run.

    Returns:
        Folder of the events. Those of an earlier call are replaced.
    """
    import tensorflow as tf
    from tensorboard.plugins.hparams import summary_v2 as hparams

    summary = Summary.read(folder)
    options = run_options(Workspace(folder.parents[1]).read_config(folder.name))
    events = folder / FOLDER
    shutil.rmtree(events, ignore_errors=True)
    with tf.summary.create_file_writer(str(events)).as_default():
        hparams.hparams(options, trial_id=folder.name)
        for name, value in run_metrics(summary).items():
            tf.summary.scalar(name, value, step=0)
    return events

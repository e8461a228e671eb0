"""Training on several machines: the chief runs the pipeline, the workers join its trainings."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from pipeline.config.path_check import check_workspace
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.multi_worker import train_as_worker, withdraw_job
from trainer_module.multi_worker.tf_config import VARIABLE, read_cluster


def prepare_chief(workspace: Workspace) -> None:
    """Check that this process is the chief, and remove the training of a killed chief.

    Without `TF_CONFIG`, or with one process in it, there is nothing to do.

    Args:
        workspace: Workspace of the run, on a folder that all machines share.

    Raises:
        InputError: `TF_CONFIG` says that another process is the chief.
    """
    cluster = read_cluster()
    if not cluster.is_distributed:
        return
    if not cluster.is_chief:
        raise InputError(
            f"{VARIABLE} says that this process ({cluster.own_address}) is not the chief. Run "
            "`carryover join --workspace DIR` here, and the pipeline on the chief or the first "
            "worker."
        )
    withdraw_job(workspace.training_jobs)


def join_trainings(workspace: Path, show: Callable[[str], None]) -> None:
    """Take part in the trainings of a chief as a worker, until this process is stopped.

    Args:
        workspace: Workspace of the run, on a folder that all machines share.
        show: Function that shows a message to the user.

    Raises:
        InputError: `TF_CONFIG` names no other process, or this process is the chief.
    """
    cluster = read_cluster()
    if not cluster.is_distributed:
        raise InputError(
            f"{VARIABLE} names no other process to train with. Set it to JSON with cluster and "
            "task, as TensorFlow's multi-worker training takes it."
        )
    if cluster.is_chief:
        raise InputError(f"{VARIABLE} says that this process is the chief. Run the pipeline here.")

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)  # raises SystemExit, which also ends the training program

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no message after every epoch
    shared = Workspace(workspace.resolve())
    check_workspace(shared.root)
    show(f"{cluster.own_address}: waiting for a training in {shared.root}")
    train_as_worker(shared.training_jobs, show)

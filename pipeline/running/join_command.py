"""Trains on several machines: one leads the run, the others join its trainings."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.multi_worker import follow, withdraw
from trainer_module.multi_worker.tf_config import VARIABLE, read_cluster


def lead_others(workspace: Workspace) -> None:
    """Make ready for others to train along, where `TF_CONFIG` names some.

    Raises:
        InputError: it says that another process leads.
    """
    cluster = read_cluster()
    if not cluster.is_several:
        return
    if not cluster.leads:
        raise InputError(
            f"{VARIABLE} says that this process ({cluster.own}) does not lead. Run `carryover join "
            "--workspace DIR` here, and the pipeline where the chief or the first worker is."
        )
    withdraw(workspace.rendezvous)


def join_trainings(workspace: Path, say: Callable[[str], None]) -> None:
    """Train along until this process is stopped.

    Args:
        workspace: of the run, where all see it.
        say: shows a line.

    Raises:
        InputError: `TF_CONFIG` names nobody to join.
    """
    cluster = read_cluster()
    if not cluster.is_several:
        raise InputError(
            f"{VARIABLE} names no other process to train with. Set it to JSON with cluster and "
            "task, as TensorFlow's multi-worker training takes it."
        )
    if cluster.leads:
        raise InputError(f"{VARIABLE} says that this process leads. Run the pipeline here.")

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(0)  # unwinds, which ends the training program too

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # or TensorFlow tells of every epoch's end
    place = Workspace(workspace.resolve())
    say(f"{cluster.own}: waiting for a training in {place.root}")
    follow(place.rendezvous, say)

"""The disk and the memory of a run: worked out, told, and refused where the disk is too small."""

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.config.stored_config import CONFIG_FILE
from pipeline.inputs.snapshot import Snapshot
from pipeline.running.needs.activation_size import ActivationSize, activation_size
from pipeline.running.needs.listed_pictures import ListedPictures, read_listing
from pipeline.running.needs.model_size import weights_size
from pipeline.running.needs.stored_size import stored_size
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.activations.activation_budget import activation_budget
from trainer_module.contract.errors import UnavailableError
from trainer_module.multi_worker.tf_config import read_cluster

#: Bytes per picture besides the pictures themselves and their names: in an example; in a
#: transformed example; in the catalog and in the list of pictures of the version; in the
#: predictions. Measured on PACS and on generated pictures.
EXAMPLE, TRANSFORMED, ROWS, PREDICTION = 250, 90, 160, 130

#: Copies of the weights that a run writes: an artifact and a version have a SavedModel and a file
#: of weights each. Bytes of the graphs of both, of logs and of a report.
COPIES, BASE_DISK = 4, 12_000_000

#: Memory of a run with few pictures and small weights, and what is kept of every picture while one
#: is trained on.
BASE_MEMORY, MEMORY_PER_PICTURE = 2_600_000_000, 600

#: Memory of a training per byte of weights that are all fine-tuned: the weights themselves, the
#: moments and gradients, and those of all stages. Measured with weights of 197 MB.
MEMORY_PER_WEIGHT = 13

#: Disk that is always told, and the share of the free disk from which less is told, too.
LARGE, LARGE_SHARE = 10**9, 0.5


@dataclass(frozen=True)
class RunNeeds:
    """What a run needs.

    Attributes:
        disk: Bytes that it will write into the workspace.
        free: Free bytes there, with those that an unfinished run has written already.
        memory: Bytes of memory.
        folder: Folder of the workspace.
    """

    disk: float
    free: float
    memory: float
    folder: Path

    @property
    def is_large(self) -> bool:
        """Whether the user is told."""
        return self.disk >= min(LARGE, LARGE_SHARE * self.free)

    def __str__(self) -> str:
        return (
            f"needs about {_size(self.disk)} of disk in {self.folder}, where {_size(self.free)} "
            f"are free, and about {_size(self.memory)} of memory"
        )

    def check_disk(self) -> None:
        """Refuse a run whose disk is too small.

        Raises:
            UnavailableError: It needs more than what is free.
        """
        if self.disk <= self.free:
            return
        raise UnavailableError(
            f"workspace {self.folder}: the run needs about {_size(self.disk)} of disk, and "
            f"{_size(self.free)} are free. Free some, give another workspace with --workspace DIR, "
            "or lower image_size. If the estimate is wrong: --set check_disk=false"
        ) from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # an inbox tries again later


def work_out_needs(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> RunNeeds:
    """Work out what a run will need on this machine. Only a large run reads pictures for it.

    Every process of a training has all activations and a model of its own.

    Args:
        config: Config of the run, with absolute paths.
        workspace: Workspace of the run.
        snapshot: Listing of the pictures.
    """
    pictures = read_listing(snapshot.path, snapshot.files, config.split.test, config.max_file_bytes)
    names = pictures.name_bytes / max(pictures.count, 1)
    weights = weights_size(config.backbone)
    disk = (
        snapshot.path.stat().st_size
        + pictures.file_bytes
        + pictures.count * (names + EXAMPLE + ROWS)
        + pictures.num_tested * PREDICTION
        + BASE_DISK
        + COPIES * weights
    )
    memory: float = BASE_MEMORY + pictures.count * MEMORY_PER_PICTURE + MEMORY_PER_WEIGHT * weights
    processes = read_cluster().processes_on_host
    if snapshot.candidate is None:
        stored = stored_size(
            pictures,
            config.storage(snapshot.files),
            config.image_size,
            snapshot.data_root,
            config.max_file_bytes,
        )
        disk += pictures.num_trained * (names + TRANSFORMED + stored)
        if disk >= LARGE:
            activations = _activations(config, pictures, processes)
            disk += activations.disk * (processes if _has_temporary(workspace.artifacts) else 1)
            memory += activations.memory
            if snapshot.batch:
                disk += min(config.cache_disk * 2**20, activations.memory + activations.disk)
    free = _free_disk(workspace.artifacts) + _already_written(workspace, snapshot)
    return RunNeeds(disk, free, processes * memory, workspace.root)


def _activations(config: RunConfig, pictures: ListedPictures, processes: int) -> ActivationSize:
    """Return the size of the activations of one of the processes on this machine."""
    num_eval = pictures.num_trained * config.split.eval / (1 - config.split.test)
    budget = activation_budget(config.cache_memory, processes)
    return activation_size(config, pictures.num_trained - num_eval, num_eval, budget)


def _free_disk(folder: Path) -> int:
    """Return the free bytes of the disk of a folder that may not exist yet."""
    return shutil.disk_usage(_existing(folder)).free


def _has_temporary(folder: Path) -> bool:
    """Return whether temporary files, such as those of workers, are on the disk of a folder."""
    return _existing(folder).stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _already_written(workspace: Workspace, snapshot: Snapshot) -> int:
    """Return the bytes of outputs that a run now may find in TFX's cache.

    They are those of the newest runs that have pushed nothing, and for a run that is no retraining
    also those of the one that has: it may differ in its options alone. A run that is not refused,
    but finds nothing in the cache, ends when the disk is full, and is continued later.
    """
    began = None
    for run in sorted(workspace.runs.glob("*"), reverse=True):
        if not (run / CONFIG_FILE).exists():
            continue
        has_pushed = _has_pushed(run)
        if has_pushed and (snapshot.batch or began is not None):
            break
        began = (run / CONFIG_FILE).stat().st_mtime
        if has_pushed:
            break
    if began is None:
        return 0
    status = (path.stat() for path in workspace.artifacts.rglob("*") if path.is_file())
    return sum(one.st_size for one in status if one.st_mtime >= began)


def _has_pushed(run: Path) -> bool:
    try:
        return Summary.read(run).pushed_version is not None
    except UnavailableError:  # it has none, or a damaged one
        return False


def _size(number: float) -> str:
    """Return a size as people read it, such as `21.3 GB`."""
    if number >= 10**9:
        return f"{number / 10**9:,.1f} GB"
    return f"{number / 10**6:,.0f} MB"

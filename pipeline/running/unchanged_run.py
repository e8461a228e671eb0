"""A run that would only repeat the newest one is answered from its results, without TFX."""

import hashlib
import json
import logging
import platform
import time
from dataclasses import asdict
from pathlib import Path

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.identity.code_fingerprint import code_fingerprint
from pipeline.identity.component_fingerprints import fingerprint_components
from pipeline.identity.model_key import weights_digest
from pipeline.inputs.snapshot import Snapshot
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import InputError, UnavailableError

logger = logging.getLogger(__name__)

#: File in the folder of a run: the identity that a run has to have to be answered from it.
IDENTITY = "identity"


def run_identity(config: RunConfig, store: VersionStore, snapshot: Snapshot) -> str:
    """Return the identity of everything that decides what a run does and what it shows.

    Args:
        config: Config of the run, with absolute paths.
        store: Versions of the model.
        snapshot: Listing of the pictures.

    Returns:
        SHA-256, in hex.

    Raises:
        InputError: The file of weights cannot be read.
    """
    versions = []
    for number, push, is_serving in store.records():
        record = (
            str(push)  # damaged: `versions` tells, and a later run may serve all the same
            if isinstance(push, InputError)
            else [push.digest, push.run_id, push.accepted]
        )
        versions.append([number, is_serving, record])
    parts = {
        "config": config.model_dump(mode="json"),
        "weights": weights_digest(config.backbone),
        "snapshot": snapshot.digest,
        "slices": str(snapshot.slice_values),
        "left_out": [snapshot.ignored, snapshot.empty_classes, snapshot.notes],
        "versions": versions,
        "components": asdict(fingerprint_components()),
        # What a run shows and writes is decided by modules that no component imports.
        "code": code_fingerprint(("pipeline.running.local_run", "pipeline.dag"), ("tfx",)),
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def note_identity(config: RunConfig, workspace: Workspace, snapshot: Snapshot, run_id: str) -> None:
    """Keep the identity of a repetition of a run that has just ended.

    Where it cannot be written, the repetition is made.

    Args:
        config: Config of the run, with absolute paths.
        workspace: Workspace of the run.
        snapshot: Listing of the pictures.
        run_id: Id of the run.
    """
    store = VersionStore(workspace.root, config.name)
    identity = run_identity(config, store, snapshot)
    try:
        atomic_write(workspace.runs / run_id / IDENTITY, f"{identity}\n")
    except OSError as error:  # the run has ended well, and may have pushed
        logger.warning("the identity of run %s is not kept: %s", run_id, error)


def unchanged_summary(
    config: RunConfig, workspace: Workspace, snapshot: Snapshot, start: float
) -> Summary | None:
    """Return the summary of the newest run, if a run now would only repeat it.

    Args:
        config: Config of the run, with absolute paths.
        workspace: Workspace of the run.
        snapshot: Listing of the pictures.
        start: Reading of `time.perf_counter` when the command began.

    Returns:
        The summary, with `new_version` False and the seconds until now. None if anything has
        changed, or if a file that the run has written is missing or damaged: then the run is to be
        repeated, and tells.
    """
    folder = max(filter(Path.is_dir, workspace.runs.glob("*")), default=None)
    store = VersionStore(workspace.root, config.name)
    try:
        if folder is None or (folder / IDENTITY).read_text().strip() != run_identity(
            config, store, snapshot
        ):
            return None
        summary = Summary.read(folder)
        if summary.pushed_version is not None:
            store.check_files(summary.pushed_version)
        has_results = workspace.metadata.exists() and workspace.artifacts.exists()
    except (InputError, UnavailableError, OSError, ValueError):
        return None
    if not has_results:
        return None
    seconds = {"total": time.perf_counter() - start}
    return summary.model_copy(update={"new_version": False, "seconds": seconds})

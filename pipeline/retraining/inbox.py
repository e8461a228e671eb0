"""What lies in the inbox: which batches there are, and which of them are complete."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.retraining_options import RetrainOptions
from pipeline.inputs.folder import FolderListing
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from trainer_module.contract.errors import InputError

#: In the folder of a batch: nothing more will come.
READY = "_READY"

#: Below <domain>: pictures without a label.
UNLABELLED = "_unlabelled"


@dataclass(frozen=True)
class Delivery:
    """Something in the inbox that looks like a batch.

    Attributes:
        name: of the folder or of the manifest.
        path: of it.
        complete: nothing more is expected.
        changed: when a file of it last changed, in seconds since 1970.
    """

    name: str
    path: Path
    complete: bool
    changed: float

    @property
    def is_manifest(self) -> bool:
        """Whether it is a manifest, else a folder."""
        return self.path.suffix.lower() in MANIFEST_SUFFIXES


def inbox_of(options: RetrainOptions) -> Path:
    """The inbox that is configured.

    Raises:
        InputError: there is none.
    """
    if options.inbox is None:
        raise InputError("no inbox is named. Give --inbox DIR, or retrain.inbox in the config.")
    return options.inbox


def find_deliveries(inbox: Path, quiet_seconds: float) -> list[Delivery]:
    """Batches in the inbox, the one that changed first at the front.

    Args:
        inbox: holds `<batch>/<domain>/<class>/<picture>` and manifests.
        quiet_seconds: after so long without a change a batch is complete, even without `_READY`.

    Raises:
        InputError: the inbox is no folder, or cannot be read.
    """
    try:
        entries = sorted(path for path in inbox.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"inbox {inbox}: {error.strerror}. Give the folder that batches arrive in, --inbox DIR."
        ) from None
    now = time.time()
    found = []
    for path in entries:
        if path.is_dir() or path.suffix.lower() in MANIFEST_SUFFIXES:
            changed = _last_change(path)
            complete = (path / READY).exists() or now - changed >= quiet_seconds
            found.append(Delivery(path.name, path, complete, changed))
    return sorted(found, key=lambda delivery: (delivery.changed, delivery.name))


def stamp(path: Path) -> str:
    """Digest of names, sizes and times in a batch: equal means that nobody touched it."""
    status = path.stat()
    rows: list[Any] = [(status.st_size, status.st_mtime_ns)]
    if path.is_dir():
        rows = [(row["path"], row["bytes"], row["modified"]) for row in FolderListing(path)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _last_change(path: Path) -> float:
    """Newest time of a file or folder in a batch."""
    newest = path.stat().st_mtime
    if path.is_dir():
        for below in path.rglob("*"):
            try:
                newest = max(newest, below.lstat().st_mtime)
            except FileNotFoundError:
                return time.time()  # it is being changed right now
    return newest

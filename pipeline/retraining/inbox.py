"""Inbox: the folder in which batches arrive, and which of them are complete."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.retraining_options import RetrainOptions
from pipeline.inputs.folder import list_folder
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from trainer_module.contract.errors import InputError

#: Name of the file in a delivery that marks it as complete.
READY = "_READY"

#: Name of the folder below <domain> with pictures that have no label.
UNLABELLED = "_unlabelled"


@dataclass(frozen=True)
class Delivery:
    """A folder or manifest in the inbox, which becomes a batch when it is complete.

    Attributes:
        name: Name of the folder or of the manifest.
        path: Path of the folder or of the manifest.
        complete: Whether no more files are expected.
        changed: Time of the last change in it, in seconds since the epoch.
    """

    name: str
    path: Path
    complete: bool
    changed: float

    @property
    def is_manifest(self) -> bool:
        """Whether it is a manifest; otherwise it is a folder."""
        return self.path.suffix.lower() in MANIFEST_SUFFIXES


def configured_inbox(options: RetrainOptions) -> Path:
    """Return the inbox of the configuration.

    Raises:
        InputError: No inbox is configured.
    """
    if options.inbox is None:
        raise InputError("no inbox is configured. Give --inbox DIR, or set retrain.inbox.")
    return options.inbox


def find_deliveries(inbox: Path, quiet_seconds: float) -> list[Delivery]:
    """Return the deliveries in the inbox, sorted by the time of their last change.

    Args:
        inbox: Folder with `<batch>/<domain>/<class>/<picture>`, and with manifests.
        quiet_seconds: Seconds without a change after which a delivery without `_READY` is complete.

    Raises:
        InputError: The inbox is not a folder, or is unreadable.
    """
    try:
        paths = sorted(path for path in inbox.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"inbox {inbox} cannot be read: {error.strerror}. "
            "Give the folder in which batches arrive with --inbox DIR."
        ) from None
    now = time.time()
    deliveries = []
    for path in paths:
        if path.is_dir() or path.suffix.lower() in MANIFEST_SUFFIXES:
            changed = _last_change(path)
            complete = (path / READY).exists() or now - changed >= quiet_seconds
            deliveries.append(Delivery(path.name, path, complete, changed))
    return sorted(deliveries, key=lambda delivery: (delivery.changed, delivery.name))


def file_stamp(path: Path) -> str:
    """Return a digest of names, sizes and times of the files of a delivery.

    Two equal stamps mean that the delivery was not changed in between.
    """
    status = path.stat()
    rows: list[Any] = [(status.st_size, status.st_mtime_ns)]
    if path.is_dir():
        rows = [(row["path"], row["bytes"], row["modified"]) for row in list_folder(path)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _last_change(path: Path) -> float:
    """Return the newest time of a file or folder in a delivery."""
    newest = path.stat().st_mtime
    if path.is_dir():
        for below in path.rglob("*"):
            try:
                newest = max(newest, below.lstat().st_mtime)
            except FileNotFoundError:
                return time.time()  # it is being changed right now
    return newest

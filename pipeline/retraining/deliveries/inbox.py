"""Inbox: the folder in which batches arrive, and which of them are complete."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config.retraining_options import RetrainOptions
from pipeline.inputs.folder import list_folder
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from pipeline.inputs.sidecar import SIDECAR
from pipeline.inputs.system_files import HIDDEN, SYSTEM, skipped_kind
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name

#: Name of the file in a delivery that marks it as complete.
READY = "_READY"

#: Name of the folder below <domain> with pictures that have no label.
UNLABELLED = "_unlabelled"


@dataclass(frozen=True)
class Delivery:
    """A folder or manifest in the inbox, which becomes a batch when it is complete.

    Attributes:
        name: Name of the folder or of the manifest, see `printable_name`.
        path: Path of the folder or of the manifest.
        complete: Whether no more files are expected.
        changed: Time of the last change in it, in seconds since the epoch.
    """

    name: str
    path: Path
    complete: bool
    changed: float

    @property
    def source(self) -> str:
        """Path of it for people and for the ledger."""
        return printable_name(str(self.path))

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
        paths = sorted(inbox.iterdir())
    except OSError as error:
        raise InputError(
            f"inbox {inbox} cannot be read: {error.strerror}. "
            "Give the folder in which batches arrive with --inbox DIR."
        ) from None
    deliveries = [_delivery(path, quiet_seconds) for path in paths if _is_delivery(path)]
    return sorted(deliveries, key=lambda delivery: (delivery.changed, delivery.name))


def file_stamp(path: Path) -> str:
    """Return a digest of names, sizes and times of the files of a delivery.

    Two equal stamps mean that the delivery was not changed in between.
    """
    status = path.stat()
    rows: list[Any] = [(status.st_size, status.st_mtime_ns)]
    if path.is_dir():
        rows = [(row["path"], row["bytes"], row["modified"]) for row in list_folder(path)]
        if (path / SIDECAR).is_file():
            status = (path / SIDECAR).stat()
            rows.append((SIDECAR, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _is_delivery(path: Path) -> bool:
    # Unlike Path.is_dir, this does not raise where the inbox is on a store that fails.
    is_folder = os.path.isdir(path)  # noqa: PTH112
    if skipped_kind(path.name, is_folder):
        return False
    return is_folder or path.suffix.lower() in MANIFEST_SUFFIXES


def _delivery(path: Path, quiet_seconds: float) -> Delivery:
    times = list(_change_times(path))
    now = time.time()
    # A time far in the future is as old as one in the past: the clock of the sender is wrong.
    is_quiet = all(abs(now - changed) >= quiet_seconds for changed in times)
    is_ready = os.path.exists(path / READY)  # noqa: PTH110 (Path.exists raises where it may not look)
    name = printable_name(path.name)
    return Delivery(name, path, is_ready or is_quiet, max(times))


def _change_times(path: Path) -> Iterator[float]:
    """Yield the times of the last change of a delivery, and of the files and folders in it."""
    yield _change_time(path)
    for folder, folders, names in os.walk(path):  # what cannot be listed is told by the copy
        # Thumbnails may be added long after the last picture. Unfinished files count as changes.
        folders[:] = [name for name in folders if not skipped_kind(name, is_folder=True)]
        files = [name for name in names if skipped_kind(name, False) not in (HIDDEN, SYSTEM)]
        for name in (*folders, *files):
            yield _change_time(Path(folder, name))


def _change_time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return time.time()  # it is being changed right now
    except OSError:
        return 0.0  # the copy tells why it cannot be read

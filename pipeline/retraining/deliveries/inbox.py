"""Inbox: the folder in which batches arrive, and which of them are complete."""

import hashlib
import json
import os
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.config.path_check import folder_problem, inbox_remedy
from pipeline.config.retraining_options import RetrainOptions
from pipeline.inputs.allowed_roots import OUTSIDE, AllowedRoots, advise_allowing
from pipeline.inputs.folder import MAX_DEPTH, list_folder
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from pipeline.inputs.sidecar import SIDECAR
from pipeline.inputs.system_files import HIDDEN, SYSTEM, skipped_kind
from pipeline.retraining.deliveries.named_folders import named_folders
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name

#: Name of the file in a delivery that marks it as complete.
READY = "_READY"

#: What a link is called whose target is missing. It may be on a store that is unavailable.
DEAD_LINK = "dead link"


@dataclass(frozen=True)
class Delivery:
    """A folder or manifest in the inbox, which becomes a batch when it is complete.

    Attributes:
        name: Name of the folder or of the manifest, see `printable_name`.
        path: Path of the folder or of the manifest.
        complete: Whether no more files are expected.
        changed: Time of the last change in it, in seconds since the epoch.
        allowed: Folders and URI prefixes, besides the inbox, whose files it may name.
    """

    name: str
    path: Path
    complete: bool
    changed: float
    allowed: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Path of it for people and for the ledger."""
        return printable_name(str(self.path))

    @property
    def is_manifest(self) -> bool:
        """Whether it is a manifest; otherwise it is a folder."""
        return self.path.suffix.lower() in MANIFEST_SUFFIXES

    @cached_property
    def roots(self) -> AllowedRoots:
        """Where its files may be: in the inbox, and in what `allowed` names."""
        return AllowedRoots(self.path.parent, self.allowed)

    def check_place(self) -> None:
        """Check that the delivery is no link to a place outside, and no pipe, socket or device.

        Raises:
            InputError: It is.
        """
        if self.roots.find_fault(str(self.path)):
            target = os.path.realpath(self.path)
            folder = target if os.path.isdir(target) else os.path.dirname(target)  # noqa: PTH112, PTH120
            raise InputError(
                f"{self.source} leads to {target}, which is {OUTSIDE}. {advise_allowing([folder])}"
            )
        kind = _special_kind(self.path)
        if kind not in ("", DEAD_LINK) and not self.is_manifest:
            raise InputError(
                f"{self.source} is a {kind}, and no folder or manifest "
                f"({' or '.join(MANIFEST_SUFFIXES)}). Remove it"
            )

    def stamp(self) -> str:
        """Return the stamp of its files, see `file_stamp`.

        Raises:
            InputError: It must not be read, see `check_place`, or has too many files.
            UnavailableError: A folder is unreadable.
            OSError: It was removed, is a dead link, or is unreadable.
        """
        self.check_place()
        return file_stamp(self.path, self.roots)

    def rough_stamp(self) -> str:
        """Return a stamp of a delivery whose files cannot be listed."""
        try:
            status = self.path.lstat()
            link = os.readlink(self.path) if stat.S_ISLNK(status.st_mode) else ""  # noqa: PTH115
            values = [status.st_mode, status.st_size, status.st_mtime_ns, link]
        except OSError:  # it was removed, or its folder is unavailable
            values = []
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def configured_inbox(options: RetrainOptions) -> Path:
    """Return the inbox of the configuration.

    Raises:
        InputError: No inbox is configured.
    """
    if options.inbox is None:
        raise InputError("no inbox is configured. Give --inbox DIR, or set retrain.inbox.")
    return options.inbox


def unusable_inbox(inbox: Path, problem: str) -> InputError:
    """Return the error for an inbox that cannot be used, with what to do.

    Args:
        inbox: Path that the user has given.
        problem: What is wrong with it, see `folder_problem`.
    """
    return InputError(f"inbox {inbox} {problem}. {inbox_remedy(inbox, problem)}")


def find_deliveries(
    inbox: Path, quiet_seconds: float, allowed: Iterable[str] = ()
) -> list[Delivery]:
    """Return the deliveries in the inbox, sorted by the time of their last change.

    A folder without `_READY` whose files a manifest in the inbox names belongs to that manifest.

    Args:
        inbox: Folder with `<batch>/<domain>/<class>/<picture>`, and with manifests.
        quiet_seconds: Seconds without a change after which a delivery without `_READY` is complete.
        allowed: See `Delivery`.

    Raises:
        InputError: The inbox is not a folder, or is unreadable.
    """
    try:
        paths = sorted(inbox.iterdir())
    except OSError as error:
        problem = folder_problem(inbox) or f"cannot be read: {error.strerror}"
        raise unusable_inbox(inbox, problem) from None
    roots = tuple(allowed)
    found = [_delivery(path, quiet_seconds, roots) for path in paths if is_delivery(path)]
    deliveries = _with_different_names(_without_named_folders(inbox, found))
    return sorted(deliveries, key=lambda delivery: (delivery.changed, delivery.name))


def file_stamp(path: Path, roots: AllowedRoots | None = None) -> str:
    """Return a digest of names, sizes and times of the files of a delivery.

    Two equal stamps mean that the delivery was not changed in between.

    Args:
        path: Path of the delivery.
        roots: Where its links may lead; None for any place.
    """
    status = path.stat()
    rows: list[Any] = [(status.st_size, status.st_mtime_ns)]
    if path.is_dir():
        listed = list_folder(path, roots=roots)
        rows = [(row["path"], row["bytes"], row["modified"]) for row in listed]
        if (path / SIDECAR).is_file():
            status = (path / SIDECAR).stat()
            rows.append((SIDECAR, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def is_delivery(path: Path) -> bool:
    """Return whether a file or folder in the inbox is a delivery, complete or not."""
    # Unlike Path.is_dir, this does not raise where the inbox is on a store that fails.
    is_folder = os.path.isdir(path)  # noqa: PTH112
    if skipped_kind(path.name, is_folder):
        return False
    return is_folder or path.suffix.lower() in MANIFEST_SUFFIXES or bool(_special_kind(path))


def _special_kind(path: Path) -> str:
    """Return what a pipe, a device, a socket or a dead link is called; "" for all others."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return DEAD_LINK if os.path.islink(path) else ""  # noqa: PTH114
    kinds = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    kinds |= dict.fromkeys((stat.S_IFCHR, stat.S_IFBLK), "device")
    return kinds.get(stat.S_IFMT(mode), "")


def _with_different_names(deliveries: list[Delivery]) -> list[Delivery]:
    """Add a part of the digest to printable names that several deliveries have."""
    counts = Counter(delivery.name for delivery in deliveries)

    def renamed(delivery: Delivery) -> Delivery:
        if counts[delivery.name] == 1 or delivery.name == delivery.path.name:
            return delivery
        digest = hashlib.sha256(os.fsencode(delivery.path.name)).hexdigest()[:8]
        return replace(delivery, name=f"{delivery.name}~{digest}")

    return [renamed(delivery) for delivery in deliveries]


def _without_named_folders(inbox: Path, deliveries: list[Delivery]) -> list[Delivery]:
    """Leave out folders without `_READY` whose files a manifest names."""
    manifests = [(one.path, one.roots) for one in deliveries if one.is_manifest]
    folders = [
        one.path.name for one in deliveries if not one.is_manifest and not _is_ready(one.path)
    ]
    if not manifests or not folders:
        return deliveries
    named = named_folders(inbox, manifests, folders)
    return [one for one in deliveries if one.path.name not in named]


def _is_ready(path: Path) -> bool:
    return os.path.exists(path / READY)  # noqa: PTH110 (Path.exists raises where it may not look)


def _delivery(path: Path, quiet_seconds: float, allowed: tuple[str, ...]) -> Delivery:
    delivery = Delivery(printable_name(path.name), path, True, 0.0, allowed)
    # What a link to a place outside holds is not looked at.
    is_outside = bool(delivery.roots.find_fault(str(path)))
    times = [_change_time(path)] if is_outside else list(_change_times(path))
    now = time.time()
    # A time far in the future is as old as one in the past: the clock of the sender is wrong.
    is_quiet = all(abs(now - changed) >= quiet_seconds for changed in times)
    return replace(delivery, complete=_is_ready(path) or is_quiet, changed=max(times))


def _change_times(path: Path) -> Iterator[float]:
    """Yield the times of the last change of a delivery, and of the files and folders in it."""
    yield _change_time(path)
    top = str(path).count(os.sep)
    for folder, folders, names in os.walk(path):  # what cannot be listed is told by the copy
        # Thumbnails may be added long after the last picture. Unfinished files count as changes.
        folders[:] = [name for name in folders if not skipped_kind(name, is_folder=True)]
        files = [name for name in names if skipped_kind(name, False) not in (HIDDEN, SYSTEM)]
        for name in (*folders, *files):
            yield _change_time(Path(folder, name))
        if folder.count(os.sep) - top >= MAX_DEPTH:
            folders.clear()


def _change_time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return time.time()  # it is being changed right now
    except OSError:
        return 0.0  # the copy tells why it cannot be read

"""Batch store: copies of all batches in the workspace, each in a folder named by its digest."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from pipeline.inputs.allowed_roots import OUTSIDE
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.layouts.unlabelled_names import is_unlabelled
from pipeline.retraining.deliveries.delivered_rows import delivered_rows
from pipeline.retraining.deliveries.file_copies import FileCopies
from pipeline.retraining.deliveries.inbox import Delivery, file_stamp
from pipeline.retraining.deliveries.late_files import check_copies
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

#: Name of the file with the rows of a batch, in the folder of its copy.
LISTING = "listing.jsonl"

#: Name of the folder in which a copy is made.
UNFINISHED = ".incoming"

#: Content of that file when all pictures of the batch were forgotten: an empty file is damaged.
NO_ROWS = b"null\n"

_REMEDY = "Restore its folder from a backup, or touch a file of the batch in the inbox."

#: Number of hexadecimal digits of a batch's digest.
DIGITS = 16


class _RequiredKeys(TypedDict):
    path: str
    name: str
    domain: str
    label: str
    sha256: str


class DeliveredKeys(TypedDict, total=False):
    """Keys that a batch row and a listing row have in common, and that a file may not have.

    Attributes:
        split: Split that a manifest names.
        group: Name of a group of pictures that share a split.
        slices: Values of the columns of slices, by name.
        reason: Reason why the file is unusable.
    """

    split: str
    group: str
    slices: dict[str, str]
    reason: str


class BatchRow(_RequiredKeys, DeliveredKeys):
    """One file of a batch.

    Attributes:
        path: Path of the copy relative to the workspace; that of the original if it is unusable.
        name: Path of the original in its delivery.
        domain: Name of the domain.
        label: Name of the class; "" for a picture without a label.
        sha256: SHA-256 of the file, in hex; "" for an unusable file, which is not copied.
    """


class BatchChangedError(Exception):
    """The delivery was changed while it was copied."""


class StoreWriteError(OSError):
    """The workspace cannot be written: no delivery is to blame."""


@dataclass(frozen=True)
class StoredBatch:
    """A copied delivery.

    Attributes:
        digest: Digest of names, domains, classes and contents. It is the name of the folder.
        stamp: Stamp of the delivery's files, see `inbox.file_stamp`.
        notes: Sentences that tell the user how the layout of the folders was read.
    """

    digest: str
    stamp: str
    notes: tuple[str, ...] = ()


class BatchStore:
    """Copies of batches. Retraining reads them, because a delivery may change or be removed."""

    def __init__(
        self,
        folder: Path,
        layout: LayoutOptions | None = None,
        max_file_bytes: int | None = None,
        slices: tuple[str, ...] = (),
    ) -> None:
        """Use a folder.

        Args:
            folder: Folder of all copies, directly below the workspace. It is created when needed.
            layout: What is known about the layout of deliveries. By default it is recognised.
            max_file_bytes: Size of a file, in bytes, above which it is not copied. None for any.
            slices: Names of the columns of slices, which are kept where a delivery has them.
        """
        self._folder = folder
        self._layout = layout or LayoutOptions()
        self._max_file_bytes = max_file_bytes
        self._slices = slices

    def add(self, delivery: Delivery, quiet_seconds: float = 0) -> StoredBatch:
        """Copy a delivery, completely or not at all. The original is only read.

        Args:
            delivery: Complete delivery.
            quiet_seconds: Seconds without a change after which a file that a manifest names is
                complete.

        Raises:
            BatchChangedError: The delivery was changed while it was copied.
            UnavailableError: A folder, a store or a manifest is unavailable, or files that the
                manifest names are missing. The delivery can be copied later.
            InputError: A manifest or a folder is no batch, or is outside of the allowed roots.
            StoreWriteError: The disk is full.
            OSError: The delivery was removed.
        """
        delivery.check_place()
        stamp = file_stamp(delivery.path, delivery.roots)
        delivered, root, notes = delivered_rows(delivery, self._layout, self._slices)
        unfinished = self._folder / UNFINISHED
        with _writing():
            if unfinished.exists():
                shutil.rmtree(unfinished)  # left behind by a pass that was killed
            unfinished.mkdir(parents=True)
        try:
            copies = FileCopies(unfinished, self._max_file_bytes, delivery.roots.find_fault)
            rows = _copy_files(delivered, root, copies)
            # Files that a manifest names may have been looked up while they were written.
            reasons = [row.get("reason", "") for row in rows]
            check_copies(delivered, reasons, root, quiet_seconds if delivery.is_manifest else 0)
            del delivered
            digest = _write_listing(unfinished / LISTING, rows)
            if file_stamp(delivery.path, delivery.roots) != stamp:
                raise BatchChangedError(delivery.name)
            if any(reason.startswith(OUTSIDE) for reason in reasons):
                stamp = delivery.roots.stamp(stamp)
            with _writing():
                os.sync()
                _replace_damaged(self._folder / digest, unfinished, rows)
            return StoredBatch(digest, stamp, notes)
        finally:
            if unfinished.exists():
                shutil.rmtree(unfinished)

    def contains(self, digest: str) -> bool:
        """Return whether the copy of a batch is there."""
        return (self._folder / digest).exists()

    def read(self, digest: str) -> list[BatchRow]:
        """Return the rows of a batch.

        Args:
            digest: Digest of the batch.

        Raises:
            UnavailableError: The listing is missing or damaged.
        """
        if digest == hashlib.sha256().hexdigest()[:DIGITS]:
            return []  # the delivery holds no files
        listing, what = self._folder / digest / LISTING, "listing of a batch"
        content = read_state(listing, what, _REMEDY)
        if content == NO_ROWS:
            return []
        lines = io.BytesIO(content)
        try:
            return [_read_row(line, f"{self._folder.name}/{digest}") for line in lines]
        except (ValueError, TypeError, LookupError) as error:
            raise damaged_file(listing, what, str(error), _REMEDY) from None


def _write_listing(path: Path, rows: list[BatchRow]) -> str:
    """Write the rows of a batch, and return their digest, which is the same in any order.

    The text of all rows is never in memory twice: a batch may have a million.
    """
    lines = [f"{json.dumps(row, sort_keys=True)}\n".encode() for row in rows]
    with _writing(), path.open("wb") as file:
        file.writelines(lines)
    lines.sort()
    digest, last = hashlib.sha256(), len(lines) - 1
    for number, line in enumerate(lines):
        digest.update(line if number < last else line[:-1])  # a line break is between two rows
    return digest.hexdigest()[:DIGITS]


def _read_row(line: bytes, folder: str) -> BatchRow:
    """Read a row; what many rows have in common is one object, as a batch may have a million."""
    row: BatchRow = json.loads(line, object_pairs_hook=_with_shared_keys)
    row["path"] = f"{folder}/{row['path']}"
    row["domain"], row["label"] = sys.intern(row["domain"]), sys.intern(row["label"])
    return row


def _with_shared_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {sys.intern(key): value for key, value in pairs}


def delivered_keys(row: ListingRow | BatchRow) -> DeliveredKeys:
    """Return the keys of a row that are optional in a delivery."""
    keys: DeliveredKeys = {}
    if "split" in row:
        keys["split"] = row["split"]
    if "group" in row:
        keys["group"] = row["group"]
    if "slices" in row:
        keys["slices"] = row["slices"]
    if "reason" in row:
        keys["reason"] = row["reason"]
    return keys


def _replace_damaged(folder: Path, copy: Path, rows: list[BatchRow]) -> None:
    """Give a new copy of a batch its final path, unless a complete copy is there."""
    files = [LISTING, *(row["path"] for row in rows if row["sha256"])]
    if all(_size(folder / name) == _size(copy / name) for name in files):
        return
    if folder.is_symlink():  # a dry run has links to the copies of the workspace
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    copy.rename(folder)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Tell errors of the workspace from those of a delivery."""
    try:
        yield
    except OSError as error:
        raise StoreWriteError(error.errno, error.strerror or str(error), error.filename) from error


def _copy_files(rows: list[ListingRow], root: str, copies: FileCopies) -> list[BatchRow]:
    """Copy the files of all rows; return the rows of the copies."""
    from components.image_example_gen.ingestion import REMOTE_THREADS, map_ahead

    def copy_file(row: ListingRow) -> BatchRow:
        return _copy_file(row, root, copies)

    remote = any(is_uri(locate(root, row["path"])) for row in rows)
    with ThreadPoolExecutor(REMOTE_THREADS if remote else os.cpu_count()) as pool:
        return list(map_ahead(pool, copy_file, rows))


def _copy_file(row: ListingRow, root: str, copies: FileCopies) -> BatchRow:
    """Copy the file of a row if it is a picture; return the row of the copy."""
    from components.image_example_gen.picture_reader import UnusablePictureError

    name = row["path"]
    label = "" if is_unlabelled(row["label"]) else row["label"]
    copied = BatchRow(
        path=name,
        name=name,
        domain=row["domain"],
        label=label,
        sha256="",
        **delivered_keys(row),
    )
    if "reason" in row:
        return copied
    try:
        with _writing():
            copied["path"], copied["sha256"] = copies.add(locate(root, name))
    except UnusablePictureError as reason:
        copied["reason"] = str(reason)
    return copied

"""Batch store: copies of all batches in the workspace, each in a folder named by its digest."""

import hashlib
import json
import os
import posixpath
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypedDict

from pipeline.inputs.folder import find_layout, scan_folder
from pipeline.inputs.layouts.layout import LayoutOptions
from pipeline.inputs.manifest import read_manifest
from pipeline.inputs.system_files import describe_skipped
from pipeline.retraining.deliveries.inbox import READY, UNLABELLED, Delivery, file_stamp
from pipeline.retraining.deliveries.late_files import (
    check_arrived,
    check_copies,
    check_manifest,
    check_stores,
)
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate

#: Name of the file with the rows of a batch, in the folder of its copy.
LISTING = "listing.jsonl"

#: Name of the folder in which a copy is made.
UNFINISHED = ".incoming"

#: Number of hexadecimal digits of a batch's digest.
DIGITS = 16

#: Length of the longest suffix of a picture's name that its copy has too, in bytes.
MAX_SUFFIX = 16


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
        reason: Reason why the file is unusable.
    """

    split: str
    group: str
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

    def __init__(self, folder: Path, layout: LayoutOptions | None = None) -> None:
        """Use a folder.

        Args:
            folder: Folder of all copies, directly below the workspace. It is created when needed.
            layout: What is known about the layout of deliveries. By default it is recognised.
        """
        self._folder = folder
        self._layout = layout or LayoutOptions()

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
            InputError: A manifest or a folder is no batch.
            OSError: The disk is full, or the delivery was removed.
        """
        stamp = file_stamp(delivery.path)
        delivered, root, notes = _delivered_rows(delivery, self._layout)
        unfinished = self._folder / UNFINISHED
        if unfinished.exists():
            shutil.rmtree(unfinished)  # left behind by a pass that was killed
        unfinished.mkdir(parents=True)
        try:
            rows = _copy_files(delivered, root, unfinished)
            # Files that a manifest names may have been looked up while they were written.
            reasons = [row.get("reason", "") for row in rows]
            check_copies(delivered, reasons, root, quiet_seconds if delivery.is_manifest else 0)
            lines = [json.dumps(row, sort_keys=True) for row in rows]
            (unfinished / LISTING).write_text("".join(f"{line}\n" for line in lines))
            digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:DIGITS]
            if file_stamp(delivery.path) != stamp:
                raise BatchChangedError(delivery.name)
            os.sync()
            if not (self._folder / digest).exists():
                unfinished.rename(self._folder / digest)
            return StoredBatch(digest, stamp, notes)
        finally:
            if unfinished.exists():
                shutil.rmtree(unfinished)

    def read(self, digest: str) -> list[BatchRow]:
        """Return the rows of a batch.

        Args:
            digest: Digest of the batch.
        """
        lines = (self._folder / digest / LISTING).read_text().splitlines()
        rows: list[BatchRow] = [json.loads(line) for line in lines]
        for row in rows:
            row["path"] = f"{self._folder.name}/{digest}/{row['path']}"
        return rows


def delivered_keys(row: ListingRow | BatchRow) -> DeliveredKeys:
    """Return the keys of a row that are optional in a delivery."""
    keys: DeliveredKeys = {}
    if "split" in row:
        keys["split"] = row["split"]
    if "group" in row:
        keys["group"] = row["group"]
    if "reason" in row:
        keys["reason"] = row["reason"]
    return keys


def _delivered_rows(
    delivery: Delivery, options: LayoutOptions
) -> tuple[list[ListingRow], str, tuple[str, ...]]:
    """Return the rows of a delivery, the folder that their paths are relative to, and notes."""
    path = str(delivery.path.resolve())
    notes: tuple[str, ...] = ()
    if delivery.is_manifest:
        check_manifest(path)
        rows, root = list(read_manifest(path)), posixpath.dirname(path)
        check_arrived(rows, root)
    else:
        listed: list[ListingRow] = []
        layout = find_layout(Path(path), options)
        skipped = scan_folder(Path(path), listed.append, layout)
        rows, root = [row for row in listed if row["path"] != READY], path
        left_alone = describe_skipped(skipped.ignored)
        notes = (*layout.notes, left_alone) if left_alone else layout.notes
    check_stores(rows, root)
    return rows, root, notes


def _copy_files(rows: list[ListingRow], root: str, folder: Path) -> list[BatchRow]:
    """Copy the files of all rows; return the rows of the copies."""
    from components.image_example_gen.ingestion import REMOTE_THREADS, map_ahead

    remote = any(is_uri(locate(root, row["path"])) for row in rows)
    with ThreadPoolExecutor(REMOTE_THREADS if remote else os.cpu_count()) as pool:
        return list(map_ahead(pool, partial(_copy_file, root=root, folder=folder), rows))


def _copy_file(row: ListingRow, root: str, folder: Path) -> BatchRow:
    """Copy the file of a row if it is a picture; return the row of the copy."""
    from components.image_example_gen.ingestion import read_bytes
    from components.image_example_gen.picture_reader import UnusablePictureError, read_picture

    name = row["path"]
    label = "" if row["label"] == UNLABELLED else row["label"]
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
        content = read_bytes(locate(root, name))
        read_picture(content)
    except UnusablePictureError as reason:
        copied["reason"] = str(reason)
        return copied
    sha256 = hashlib.sha256(content).hexdigest()
    path = PurePosixPath("files", sha256[:2], sha256 + _suffix(name))
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    copied["path"], copied["sha256"] = str(path), sha256
    return copied


def _suffix(name: str) -> str:
    """Return the suffix of a picture's name; "" where it is too long for the name of the copy."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if len(suffix.encode(errors="surrogateescape")) <= MAX_SUFFIX else ""

"""Batch store: copies of all batches in the workspace, each in a folder named by its digest."""

import hashlib
import json
import os
import posixpath
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypedDict

from pipeline.inputs.folder import list_folder
from pipeline.inputs.manifest import read_manifest
from pipeline.retraining.inbox import READY, UNLABELLED, Delivery, file_stamp
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import locate

#: Name of the file with the rows of a batch, in the folder of its copy.
LISTING = "listing.jsonl"

#: Name of the folder in which a copy is made.
UNFINISHED = ".incoming"

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
        sha256: SHA-256 of the file, in hex; "" for an unusable file.
    """


class BatchChangedError(Exception):
    """The delivery was changed while it was copied."""


@dataclass(frozen=True)
class StoredBatch:
    """A copied delivery.

    Attributes:
        digest: Digest of names, domains, classes and contents. It is the name of the folder.
        stamp: Stamp of the delivery's files, see `inbox.file_stamp`.
        fault: Reason why the delivery is unreadable and not copied; "" for a copied one.
    """

    digest: str
    stamp: str
    fault: str = ""


class BatchStore:
    """Copies of batches. Retraining reads them, because a delivery may change or be removed."""

    def __init__(self, folder: Path) -> None:
        """Use a folder.

        Args:
            folder: Folder of all copies, directly below the workspace. It is created when needed.
        """
        self._folder = folder

    def add(self, delivery: Delivery) -> StoredBatch:
        """Copy a delivery, completely or not at all. The original is only read.

        Args:
            delivery: Complete delivery.

        Raises:
            BatchChangedError: The delivery was changed while it was copied.
            InputError: A manifest or a folder is unreadable.
            OSError: The disk is full, or the delivery was removed.
        """
        stamp = file_stamp(delivery.path)
        unfinished = self._folder / UNFINISHED
        if unfinished.exists():
            shutil.rmtree(unfinished)  # left behind by a pass that was killed
        unfinished.mkdir(parents=True)
        try:
            rows = [_copy_file(row, root, unfinished) for row, root in _delivered_rows(delivery)]
            lines = [json.dumps(row, sort_keys=True) for row in rows]
            (unfinished / LISTING).write_text("".join(f"{line}\n" for line in lines))
            digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:DIGITS]
            if file_stamp(delivery.path) != stamp:
                raise BatchChangedError(delivery.name)
            os.sync()
            if not (self._folder / digest).exists():
                unfinished.rename(self._folder / digest)
            return StoredBatch(digest, stamp)
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


def _delivered_rows(delivery: Delivery) -> Iterable[tuple[ListingRow, str]]:
    """Return the rows of a delivery, each with the folder that its path is relative to."""
    path = str(delivery.path.resolve())
    if delivery.is_manifest:
        return ((row, posixpath.dirname(path)) for row in read_manifest(path))
    return ((row, path) for row in list_folder(Path(path)) if row["path"] != READY)


def _copy_file(row: ListingRow, root: str, folder: Path) -> BatchRow:
    """Copy the file of a row; return the row of the copy."""
    from components.image_example_gen.ingestion import read_bytes
    from components.image_example_gen.picture_reader import UnusablePictureError

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
    except UnusablePictureError as reason:
        copied["reason"] = str(reason)
        return copied
    sha256 = hashlib.sha256(content).hexdigest()
    path = PurePosixPath("files", sha256[:2], sha256 + PurePosixPath(name).suffix.lower())
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    copied["path"], copied["sha256"] = str(path), sha256
    return copied

"""Our own copy of a batch. Originals may change or vanish, and are never touched."""

import hashlib
import json
import os
import posixpath
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.inputs.folder import FolderListing
from pipeline.inputs.manifest import read_manifest
from pipeline.retraining.inbox import READY, UNLABELLED, Delivery, stamp
from trainer_module.contract.locations import locate

LISTING = "listing.jsonl"
UNFINISHED = ".incoming"

#: Hexadecimal digits of a batch's digest; enough to name a folder.
DIGITS = 16

Row = dict[str, Any]


class BatchChangedError(Exception):
    """Someone changed the batch while it was copied."""


def copy_batch(delivery: Delivery, batches: Path) -> tuple[str, str]:
    """Copy a batch, whole or not at all.

    Args:
        delivery: complete, in the inbox.
        batches: folder of the workspace.

    Returns:
        Digest of what is in it (names, domains, classes and contents), which is the name of the
        copy's folder; and the stamp of the original.

    Raises:
        BatchChangedError: the original was changed meanwhile.
        InputError: a manifest that cannot be read.
        OSError: the disk is full, or the original vanished.
    """
    before = stamp(delivery.path)
    unfinished = batches / UNFINISHED
    if unfinished.exists():
        shutil.rmtree(unfinished)  # of a pass that was killed
    unfinished.mkdir(parents=True)
    try:
        rows = [_copy(row, root, unfinished) for row, root in _rows(delivery)]
        lines = [json.dumps(row, sort_keys=True) for row in rows]
        (unfinished / LISTING).write_text("".join(f"{line}\n" for line in lines))
        digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:DIGITS]
        if stamp(delivery.path) != before:
            raise BatchChangedError(delivery.name)
        os.sync()
        if not (batches / digest).exists():
            unfinished.rename(batches / digest)
        return digest, before
    finally:
        if unfinished.exists():
            shutil.rmtree(unfinished)


def read_batch(batches: Path, digest: str) -> list[Row]:
    """Rows of a batch.

    Returns:
        `path` (relative to the workspace), `name` (as it was delivered), `domain`, `label` (""
        where there is none), `sha256` of the file, and `split`, `group` and `reason` where they are
        known, see `pipeline.inputs.snapshot.Snapshot`.
    """
    rows = map(json.loads, (batches / digest / LISTING).read_text().splitlines())
    return [row | {"path": f"{batches.name}/{digest}/{row['path']}"} for row in rows]


def _rows(delivery: Delivery) -> Iterable[tuple[Row, str]]:
    """Rows of the original, and what their paths are relative to."""
    if delivery.is_manifest:
        manifest = str(delivery.path.resolve())
        return ((row, posixpath.dirname(manifest)) for row in read_manifest(manifest))
    root = delivery.path.resolve()
    listing = (row for row in FolderListing(root) if row["path"] != READY)
    return ((row, str(root)) for row in listing)


def _copy(row: Row, root: str, folder: Path) -> Row:
    """Copy the file of a row; the row of the copy."""
    from components.image_example_gen.ingestion import read_bytes
    from components.image_example_gen.pictures import UnusablePictureError

    name = row["path"]
    copied: Row = {key: row[key] for key in ("domain", "split", "group", "reason") if key in row}
    copied |= {"name": name, "path": name, "sha256": ""}
    copied["label"] = "" if row["label"] == UNLABELLED else row["label"]
    if "reason" in row:
        return copied
    try:
        content = read_bytes(locate(root, name))
    except UnusablePictureError as reason:
        return copied | {"reason": str(reason)}
    sha256 = hashlib.sha256(content).hexdigest()
    path = PurePosixPath("files", sha256[:2], sha256 + PurePosixPath(name).suffix.lower())
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return copied | {"path": str(path), "sha256": sha256}

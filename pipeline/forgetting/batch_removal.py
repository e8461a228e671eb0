"""Removal of pictures from the copies of batches, and what becomes of the batches in the ledger."""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.forgetting.forgotten_pictures import ForgottenPictures
from pipeline.forgetting.picture_records import stored_batches
from pipeline.retention.disk_size import freed_bytes
from pipeline.retraining.batch import AWAITING, KEPT, OPEN, Batch
from pipeline.retraining.deliveries.batch_store import LISTING, NO_ROWS, BatchRow
from pipeline.retraining.ledger import Ledger, read_batches
from pipeline.retraining.pictures.picture_updates import is_usable
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.listing_row import DIGEST_BYTES

#: Digits of a digest in the names of files, which begin with the whole SHA-256.
_DIGITS = 2 * DIGEST_BYTES


@dataclass(frozen=True)
class RetiredRuns:
    """What is taken from batches beside their pictures.

    Attributes:
        runs: Runs whose candidates are removed.
        versions: Numbers of the versions that are retired.
        staying: Runs of the versions that stay: another model may have a version of that number.
        undecidable: Digests of the batches on whose candidates no label can decide any more.
    """

    runs: Collection[str] = ()
    versions: Collection[int] = ()
    staying: Collection[str] = ()
    undecidable: Collection[str] = ()


@dataclass(frozen=True)
class BatchUpdate:
    """Changes the row of a batch in the ledger, before its pictures go.

    Attributes:
        workspace: Workspace of the ledger.
        number: Number of the batch.
        columns: Values by column.
    """

    workspace: Path
    number: int
    columns: dict[str, Any]
    kind: str = "batches in the ledger"
    count: int = 1

    def size(self) -> int:
        """Return 0: the row stays."""
        return 0

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`."""
        Ledger(self.workspace).update(self.number, **self.columns)


@dataclass(frozen=True)
class BatchPicturesRemoval:
    """Removes pictures from the copy of a batch: first their rows, then their files.

    Attributes:
        folder: Folder of the copy.
        lines: Lines of its listing that stay; None to leave the listing as it is.
        files: Files of the pictures.
        count: Number of pictures: those in the listing, or more where a kill has left files.
    """

    folder: Path
    lines: list[bytes] | None
    files: list[Path]
    count: int
    kind: str = "pictures of batches"

    def size(self) -> int:
        """See `pipeline.retention.removal.Step`."""
        return freed_bytes(self.files)

    def carry_out(self) -> None:
        """See `pipeline.retention.removal.Step`."""
        if self.lines is not None:
            atomic_write(self.folder / LISTING, b"".join(self.lines) or NO_ROWS)
        for file in self.files:
            file.unlink(missing_ok=True)


def batch_updates(
    workspace: Workspace, pictures: ForgottenPictures, retired: RetiredRuns
) -> Iterator[BatchUpdate]:
    """Yield what changes of the batches in the ledger.

    A batch that loses pictures is noted, so that the same delivery is taken as a new one. One whose
    candidate or version is removed is opened again: the next pass trains on what is left of it. One
    with nothing left is withdrawn, unless its pictures are in a version.

    Args:
        workspace: Workspace of the batches.
        pictures: Pictures to forget.
        retired: Candidates and versions that are removed.
    """
    rows = {batch.number: of_batch for batch, of_batch in stored_batches(workspace)}
    for batch in read_batches(workspace.root):
        columns = _changed(batch, rows.get(batch.number, []), pictures, retired)
        reason = columns.get("reason", batch.reason)
        columns["reason"] = pictures.without_names(reason)
        changed = {key: value for key, value in columns.items() if value != getattr(batch, key)}
        if changed:
            yield BatchUpdate(workspace.root, batch.number, changed)


def _changed(
    batch: Batch, rows: list[BatchRow], pictures: ForgottenPictures, retired: RetiredRuns
) -> dict[str, Any]:
    left = [row for row in rows if not pictures.includes_row(row)]
    columns: dict[str, Any] = {"forgotten": 1} if len(left) < len(rows) else {}
    is_empty = bool(columns) and not any(map(is_usable, left))
    if is_empty and (batch.state == OPEN or batch.state in KEPT):
        reason = "all its pictures were forgotten"
        return columns | {"state": "withdrawn", "reason": reason}
    is_retired = batch.version is not None and batch.version in retired.versions
    loses_version = is_retired and batch.run_id not in retired.staying
    loses_candidate = batch.state == AWAITING and batch.run_id in retired.runs
    if (loses_version or loses_candidate) and batch.replaced_by is None and left and not is_empty:
        what = f"version {batch.version}" if loses_version else "its candidate"
        reason = f"{what} was trained on pictures that are forgotten: the next pass trains again"
        return columns | {"state": OPEN, "reason": reason, "attempts": 0, "finished_at": None}
    if batch.state == AWAITING and batch.digest in retired.undecidable:
        reason = "its pictures to label are forgotten: the next pass decides on it anew"
        # Without its run, no label is awaited for the candidate.
        opened = {"state": OPEN, "reason": reason, "attempts": 0, "finished_at": None}
        return columns | opened | {"run_id": None}
    return columns


def batch_pictures(
    workspace: Workspace, pictures: ForgottenPictures
) -> Iterator[BatchPicturesRemoval]:
    """Yield the removals of pictures from the copies of batches.

    Args:
        workspace: Workspace of the batches.
        pictures: Pictures to forget.
    """
    prefixes = {content.hex() for content in pictures.contents}
    for folder in sorted(workspace.batches.glob("[!.]*")):
        lines, left = _listing_lines(folder, pictures)
        files = [file for file in _files(folder) if file.name[:_DIGITS] in prefixes]
        if files or len(left) < len(lines):
            count = max(len(files), len(lines) - len(left))
            yield BatchPicturesRemoval(folder, left if left != lines else None, files, count)


def _listing_lines(folder: Path, pictures: ForgottenPictures) -> tuple[list[bytes], list[bytes]]:
    """Return all lines of a listing, and those that stay. Reading the batch has checked it."""
    try:
        content = (folder / LISTING).read_bytes()
    except FileNotFoundError:  # a folder of nobody's batch
        return [], []
    lines = [] if content == NO_ROWS else content.splitlines(keepends=True)
    left = []
    for line in lines:
        row = json.loads(line)
        row["path"] = f"{folder.parent.name}/{folder.name}/{row['path']}"
        if not pictures.includes_row(row):
            left.append(line)
    return lines, left


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder / "files"):
        yield from (Path(parent, name) for name in names)

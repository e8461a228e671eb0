"""Removal of single pictures from the files of a folder of traffic."""

import hashlib
import itertools
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipeline.traffic.traffic_files import folder_lock
from pipeline.traffic.traffic_record import parse_record
from trainer_module.contract.atomic_write import Draft
from trainer_module.contract.listing_row import DIGEST_BYTES
from trainer_module.contract.tfrecord_frames import (
    DamagedRecordError,
    frame_record,
    frame_size,
    read_records,
)


@dataclass(frozen=True)
class TrafficRemoval:
    """Removes pictures from a file of traffic, and damaged records, which may hold any.

    A server that writes the file at the time begins a new one.

    Attributes:
        path: Path of the file.
        contents: Digests of the pictures, 16 bytes each.
        count: Number of records of these pictures.
        bytes: Bytes of all records that are removed.
    """

    path: Path
    contents: Collection[bytes]
    count: int
    bytes: int
    kind: str = "pictures of clients"

    def size(self) -> int:
        """Return the bytes of disk that are free afterwards."""
        return self.bytes

    def carry_out(self) -> None:
        """Write the file anew without the pictures; remove it if nothing is left.

        Raises:
            OSError: The disk is full, or the folder cannot be written.
        """
        with folder_lock(self.path.parent):
            try:
                status, (left, _, _) = self.path.stat(), _divide(self.path, self.contents)
            except FileNotFoundError:  # a server has made room
                return
            if not left:
                self.path.unlink()
                return
            with Draft(self.path.with_suffix(".part")) as draft:
                os.fchmod(draft.file.fileno(), 0o600)
                draft.file.writelines(itertools.chain.from_iterable(map(frame_record, left)))
                draft.file.flush()
                os.utime(draft.file.fileno(), (status.st_mtime, status.st_mtime))
                draft.rename(self.path)


def plan_traffic_removal(path: Path, contents: Collection[bytes]) -> TrafficRemoval | None:
    """Return the removal of pictures from a file of traffic; None if it holds none of them.

    Args:
        path: Path of the file.
        contents: Digests of the pictures, 16 bytes each.

    Raises:
        OSError: The file is not readable.
    """
    _, count, size = _divide(path, contents)
    return TrafficRemoval(path, contents, count, size) if size else None


def _divide(path: Path, contents: Collection[bytes]) -> tuple[list[bytes], int, int]:
    """Return the records of a file that stay, and the number and bytes of those that do not."""
    left: list[bytes] = []
    count = 0
    with path.open("rb") as file:
        for record in read_records(file):
            if isinstance(record, DamagedRecordError):
                continue
            try:
                image = parse_record(record).image
            except ValueError:
                continue
            if hashlib.sha256(image).digest()[:DIGEST_BYTES] in contents:
                count += 1
            else:
                left.append(record)
    return left, count, path.stat().st_size - sum(map(frame_size, left))

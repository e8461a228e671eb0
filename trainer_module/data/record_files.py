"""Records of TFRecord files that are not compressed, read from where they start."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.tfrecord_frames import (
    FRAME_SIZE,
    HEADER_SIZE,
    DamagedRecordError,
    content_size,
    read_records,
)


def record_starts(file: str, first: int, end: int) -> npt.NDArray[np.int64]:
    """Return where those records start that start in a part of a file, int64 [records].

    Only the headers of the records up to the end of the part are read.

    Args:
        file: Path of the file.
        first: Start of the part, in bytes.
        end: End of the part, in bytes.
    """
    starts = []
    with Path(file).open("rb", buffering=0) as shard:
        size, start = os.fstat(shard.fileno()).st_size, 0
        while start < min(end, size):
            if start >= first:
                starts.append(start)
            header = os.pread(shard.fileno(), HEADER_SIZE, start)
            if len(header) < HEADER_SIZE:
                break  # a damaged file, of which `consecutive_records` tells
            start += content_size(header) + FRAME_SIZE
    return np.array(starts, np.int64)


def consecutive_records(file: str, start: int, count: int) -> Iterator[bytes]:
    """Yield records of a file, whose checksums are right.

    Args:
        file: Path of the file.
        start: Start of the first record, in bytes.
        count: Number of records.

    Raises:
        UnavailableError: The file is damaged.
    """
    with Path(file).open("rb") as shard:
        shard.seek(start)
        for record in islice(read_records(shard), count):
            if isinstance(record, DamagedRecordError):
                raise UnavailableError(f"{file} is damaged: {record}. Run the command again.")
            yield record


def read_places(files: list[str], places: npt.NDArray[np.int64]) -> list[bytes]:
    """Return records, in the order of their places.

    Args:
        files: Paths of the files.
        places: Number of the file of each record, and its start in bytes, int64 [records, 2].
    """
    contents = [b""] * len(places)
    for number in np.unique(places[:, 0]):
        with Path(files[number]).open("rb", buffering=0) as shard:
            descriptor = shard.fileno()
            for position in np.flatnonzero(places[:, 0] == number):
                start = int(places[position, 1])
                size = content_size(os.pread(descriptor, HEADER_SIZE, start))
                contents[position] = os.pread(descriptor, size, start + HEADER_SIZE)
    return contents

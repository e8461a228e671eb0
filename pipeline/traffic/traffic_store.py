"""Writes and reads the folder of traffic of a workspace: a ring of TFRecord files."""

import contextlib
import heapq
import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from pipeline.traffic.traffic_files import (
    TrafficFile,
    folder_lock,
    list_files,
    make_room,
    new_path,
)
from pipeline.traffic.traffic_record import TrafficRecord, parse_record, serialize_record
from trainer_module.contract.tfrecord_frames import (
    DamagedRecordError,
    frame_record,
    frame_size,
    read_records,
)

#: Share of the limit that one file takes before the next one is begun: so much is lost at once when
#: the oldest file is removed.
FILE_SHARE = 1 / 32

#: Seconds by which file systems may round a time of modification down.
TIME_ROUNDING = 2.0

_logger = logging.getLogger("carryover.traffic")


def traffic_folder(workspace: Path) -> Path:
    """Return the folder in which a server keeps the traffic of a workspace.

    Args:
        workspace: Folder of the workspace.
    """
    return workspace / "traffic"


class TrafficWriter:
    """Writes records into files of its own; a context manager that closes the last one.

    Many writers may use a folder at a time, also in different processes. The limit holds for all
    files of the folder together: the oldest of them are removed, whoever wrote them. Files that no
    writer has written are left alone and not counted. The files belong to their owner alone.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Write nothing yet.

        Args:
            folder: Folder of the files; it is made when the first record is written.
            max_bytes: Most bytes of all files together.
        """
        self._folder, self._max_bytes = folder, max_bytes
        self._file: BinaryIO | None = None
        self._size, self._last_time = 0, 0.0

    def __enter__(self) -> "TrafficWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, records: Sequence[TrafficRecord]) -> int:
        """Write records, and hand them to the operating system: they survive a killed process.

        Args:
            records: Records in any order; few, because they are held in memory twice.

        Returns:
            The number of records that are written. Any that are larger than the limit are not.

        Raises:
            OSError: The disk is full, or the folder cannot be written. None of the records is then
                in a file, and the next call begins a new one.
        """
        ordered = sorted(records, key=lambda record: record.time)
        serialized = [(record.time, serialize_record(record)) for record in ordered]
        fitting = [one for one in serialized if frame_size(one[1]) <= self._max_bytes]
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for part in _parts(fitting, int(self._max_bytes * FILE_SHARE)):
            with folder_lock(self._folder):
                self._append(part)
        return len(fitting)

    def close(self) -> None:
        """Close the last file; the next `write` begins another one."""
        if self._file:
            self._file.close()
            self._file = None

    def _append(self, part: list[tuple[float, bytes]]) -> None:
        """Append serialized records, with their times, to one file."""
        size = sum(frame_size(data) for _, data in part)
        first, last = part[0][0], part[-1][0]
        make_room(self._folder, size, self._max_bytes)
        file = self._choose_file(first, size)
        try:
            file.writelines(itertools.chain.from_iterable(frame_record(data) for _, data in part))
            file.flush()
        except OSError:
            self._withdraw(file)
            raise
        os.utime(file.fileno(), (last, last))
        self._size, self._last_time = self._size + size, last

    def _choose_file(self, first: float, size: int) -> BinaryIO:
        """Return the last file, or a new one that its owner alone can read."""
        if self._file:
            # Whoever made room may have removed the file.
            is_removed = not os.fstat(self._file.fileno()).st_nlink
            is_full = self._size + size > self._max_bytes * FILE_SHARE
            if is_removed or is_full or first < self._last_time:  # the clock was set back
                self.close()
        if not self._file:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            self._file = os.fdopen(os.open(new_path(self._folder, first), flags, 0o600), "wb")
            self._size = 0
        return self._file

    def _withdraw(self, file: BinaryIO) -> None:
        """Close a file, and take off it what was written of the last part."""
        handle = os.dup(file.fileno())
        try:
            self._file = None
            with contextlib.suppress(OSError):  # it writes what is left, which fails again
                file.close()
            os.ftruncate(handle, self._size)
        finally:
            os.close(handle)


def read_traffic(folder: Path, since: float | None = None) -> Iterator[TrafficRecord]:
    """Yield the records of a folder in the order of their times, as they were at the first one.

    Memory holds one record per file that is open: those of servers that wrote at the same time.
    Damaged records are left out, and a warning names their file. So are those of files that are
    removed meanwhile, to make room.

    Args:
        folder: Folder of traffic, see `traffic_folder`; one that does not exist has no records.
        since: Time of the first record to yield, in seconds since 1970; None for all.

    Raises:
        OSError: The folder or a file is not readable.
    """
    earliest = 0.0 if since is None else since
    waiting = [file for file in list_files(folder) if file.end + TIME_ROUNDING >= earliest]
    waiting.reverse()
    opened: list[tuple[float, int, TrafficRecord, Iterator[TrafficRecord]]] = []
    number = itertools.count()

    def push(records: Iterator[TrafficRecord]) -> None:
        record = next(records, None)
        if record:
            heapq.heappush(opened, (record.time, next(number), record, records))

    while waiting or opened:
        while waiting and not (opened and opened[0][0] < waiting[-1].start):
            push(_records_of(waiting.pop(), earliest))
        if opened:
            _, _, record, records = heapq.heappop(opened)
            yield record
            push(records)


def _records_of(file: TrafficFile, earliest: float) -> Iterator[TrafficRecord]:
    """Yield the records of one file from a time on."""
    problems: dict[str, int] = {}
    with contextlib.suppress(FileNotFoundError), file.path.open("rb") as stream:
        for found in read_records(stream):
            try:
                if isinstance(found, DamagedRecordError):
                    raise found
                record = parse_record(found)
            except (DamagedRecordError, ValueError) as error:
                problems[str(error)] = problems.get(str(error), 0) + 1
                continue
            if record.time >= earliest:
                yield record
    for problem, count in problems.items():
        times = "" if count == 1 else f" ({count} times)"
        _logger.warning("%s: %s%s; it is left out", file.path, problem, times)


def _parts(
    serialized: list[tuple[float, bytes]], max_bytes: int
) -> Iterator[list[tuple[float, bytes]]]:
    """Yield records in parts of at most so many bytes, or of one record."""
    part: list[tuple[float, bytes]] = []
    size = 0
    for time, data in serialized:
        if part and size + frame_size(data) > max_bytes:
            yield part
            part, size = [], 0
        part.append((time, data))
        size += frame_size(data)
    if part:
        yield part

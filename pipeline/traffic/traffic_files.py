"""The files of a folder of traffic: their names, and which of them make room for others."""

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.traffic.traffic_record import microseconds
from trainer_module.contract.workspace_files.file_lock import NO_LOCKS

#: Time of the first record in microseconds, and a random number that no other file has.
_NAME = re.compile(r"traffic-(\d{17})-[0-9a-f]{16}\.tfrecord")

#: File that is locked while a process makes room and writes.
_LOCK = ".lock"


@dataclass(frozen=True)
class TrafficFile:
    """A file of traffic as it was when the folder was listed.

    Attributes:
        path: Path of the file.
        start: Time of its first record, in seconds since 1970.
        size: Bytes that it takes.
        end: Time of modification, in seconds since 1970; a writer sets it to the time of the last
            record.
    """

    path: Path
    start: float
    size: int
    end: float


def new_path(folder: Path, start: float) -> Path:
    """Return the path of a new file.

    Args:
        folder: Folder of traffic.
        start: Time of its first record, in seconds since 1970.
    """
    return folder / f"traffic-{max(0, microseconds(start)):017d}-{secrets.token_hex(8)}.tfrecord"


def list_files(folder: Path) -> list[TrafficFile]:
    """Return the files that writers have written, the oldest first.

    Anything else in the folder is left out: other files, folders and links.

    Args:
        folder: Folder of traffic; one that does not exist has no files.

    Raises:
        OSError: The folder is not readable.
    """
    files = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if not match or not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):  # another process has made room
                status = entry.stat(follow_symlinks=False)
                start = int(match[1]) / 1e6
                files.append(TrafficFile(Path(entry.path), start, status.st_size, status.st_mtime))
    return sorted(files, key=lambda file: (file.start, file.path.name))


def make_room(folder: Path, size: int, max_bytes: int) -> None:
    """Remove the oldest files until there is room for more bytes.

    Args:
        folder: Folder of traffic.
        size: Bytes that will be written.
        max_bytes: Most bytes of all files together.

    Raises:
        OSError: A file cannot be removed.
    """
    files = list_files(folder)
    excess = sum(file.size for file in files) + size - max_bytes
    for file in files:
        if excess <= 0:
            return
        file.path.unlink(missing_ok=True)
        excess -= file.size


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder of traffic, for the milliseconds that a write takes.

    On a file system without locks, several servers may be over the limit by what they write at the
    same moment.

    Args:
        folder: Folder of traffic.

    Raises:
        OSError: The lock's file cannot be written.
    """
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield
    finally:
        os.close(handle)  # it releases the lock

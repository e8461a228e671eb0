"""Tar archives whose bytes depend on nothing but the names and contents of their files.

The entries are in the order of their names, with the checksums of all files last. Times, owners and
permissions are constants. Nothing is compressed, because compressors differ between versions.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from trainer_module.contract.errors import UnavailableError

#: File with the checksums of all others, in the format of `sha256sum`.
CHECKSUMS = "SHA256SUMS"

#: Time of every entry: 1980, from which all archivers know times. GNU tar warns of earlier ones.
_TIME = 315_532_800

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def write_tar(target: BinaryIO, root: str, files: Mapping[str, Path | bytes]) -> str:
    """Write an archive of files in one folder, and their checksums.

    Args:
        target: Stream to write to; it is neither read nor positioned.
        root: Name of the folder.
        files: Paths of files, or contents, by path relative to the folder.

    Returns:
        SHA-256 of the archive in hex.

    Raises:
        UnavailableError: A file cannot be read, or changes while it is read.
        OSError: The stream cannot be written.
    """
    hashed = _HashedTarget(target)
    stream: Any = hashed  # a tar that is streamed needs nothing but `write`
    # It is closed below: at an error, the end of the archive is not to be written.
    archive = tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8")  # noqa: SIM115
    checksums = []
    for name in sorted({*files, *_folders(files)}):
        if name in files:
            checksums.append(checksum_line(_add_file(archive, f"{root}/{name}", files[name]), name))
        else:
            _add_folder(archive, f"{root}/{name}" if name else root)
    _add_file(archive, f"{root}/{CHECKSUMS}", "".join(checksums).encode("utf-8", "surrogateescape"))
    archive.close()
    return hashed.digest.hexdigest()


def checksum_line(digest: str, name: str) -> str:
    """Return the line of a file in the format of `sha256sum`, also for names with line ends.

    Args:
        digest: SHA-256 in hex.
        name: Path of the file.
    """
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return f"{mark}{digest}  {escaped}\n"


class _HashedTarget:
    """Stream that hashes what is written to it."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._target.write(content)


class _HashedSource:
    """Stream that hashes what is read from it, and fails where there are fewer bytes than said."""

    def __init__(self, source: BinaryIO, what: str) -> None:
        self._source = source
        self._what = what
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        try:
            content = self._source.read(size)
        except OSError as error:
            raise _unreadable(self._what, str(error.strerror)) from None
        if len(content) < size:
            raise _unreadable(self._what, "it was cut off while it was read")
        self.digest.update(content)
        return content


def _folders(files: Mapping[str, Path | bytes]) -> set[str]:
    """Return the folders of files, with "" for the one of all."""
    parents = {parent for name in files for parent in PurePosixPath(name).parents}
    return {"" if parent == PurePosixPath() else parent.as_posix() for parent in parents}


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, _FOLDER_MODE, _TIME
    archive.addfile(entry)


def _add_file(archive: tarfile.TarFile, name: str, content: Path | bytes) -> str:
    """Add a file; return its SHA-256 in hex."""
    try:
        file: BinaryIO = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
    except OSError as error:
        raise _unreadable(str(content), str(error.strerror)) from None
    with file:
        entry = tarfile.TarInfo(name)
        entry.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        entry.mode, entry.mtime = _FILE_MODE, _TIME
        source = _HashedSource(file, str(content) if isinstance(content, Path) else name)
        stream: Any = source  # an archive needs nothing but its `read`
        archive.addfile(entry, stream)
    return source.digest.hexdigest()


def _unreadable(what: str, problem: str) -> UnavailableError:
    return UnavailableError(
        f"{what} cannot be read: {problem}. Give the command again when nothing else changes the "
        "workspace, or restore the file from a backup."
    )

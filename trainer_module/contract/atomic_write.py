"""Write a file so that readers see all of it, or nothing.

The content is written to a draft in the same folder, flushed to the disk, and renamed when it is
complete. A rename within one folder is atomic. So neither a reader nor a killed process nor a
power failure leaves half a file or an empty one. Processes that write the same file at the same
time wait for each other, because a draft is locked.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

#: Suffix of a draft: the path of the file plus this.
DRAFT_SUFFIX = ".part"

#: Length of the longest name of a file, in bytes.
_MAX_NAME = 255


class Draft:
    """A file that gets its final path when it is complete.

    Use it as a context manager. A draft that was not renamed is removed at the end, whether the
    block succeeded or failed.
    """

    def __init__(self, path: Path) -> None:
        """Open a draft for writing, as soon as no other process writes it.

        A draft that a killed process left behind is overwritten.

        Args:
            path: Path of the draft, in the folder of the final file. The folder must exist.
        """
        self._path = path
        self._file = _open_locked(path)
        self._is_renamed = False

    def __enter__(self) -> "Draft":
        return self

    @property
    def file(self) -> BinaryIO:
        """Binary stream to write the content to."""
        return self._file

    def rename(self, path: Path) -> Path:
        """Flush the complete file, give it its final path, and replace a file that is there.

        Returns:
            The final path.

        Raises:
            OSError: The disk is full or fails; some file systems notice that at the flush.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.replace(path)
        self._is_renamed = True  # another process may have a draft of this name from now on
        self._file.close()
        sync_path(path.parent)
        return path

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if not self._is_renamed:
                self._path.unlink(missing_ok=True)
        finally:
            try:
                self._file.close()  # writes what is left, which fails again on a full disk
            except OSError:
                if error is None:
                    raise


def atomic_write(path: Path, content: str | bytes, private: bool = False) -> Path:
    """Write a whole file, or replace it, in one step.

    Args:
        path: Path of the file. Its folder must exist.
        content: Content of the file; a string is encoded as UTF-8.
        private: Whether only the owner may read the file.

    Returns:
        The path.

    Raises:
        OSError: The file cannot be written. A file that was there before is unchanged.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    with Draft(_draft_path(path)) as draft:
        if private:
            os.fchmod(draft.file.fileno(), 0o600)
        draft.file.write(data)
        return draft.rename(path)


def sync_path(path: Path) -> None:
    """Flush a file or a folder to the disk, so that it survives a power failure.

    Args:
        path: Path of the file or folder.

    Raises:
        OSError: The disk is full or fails.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Network file systems may not flush folders: the server does so by itself.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(handle)


def _open_locked(path: Path) -> BinaryIO:
    """Open a file for writing, wait until no other process has locked it, and empty it."""
    while True:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666), "wb")
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):  # its holder has renamed or removed it
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.truncate(0)
                return file
        file.close()


def _draft_path(path: Path) -> Path:
    """Return the path of the draft of a file, also where the name has no room for the suffix."""
    name = os.fsencode(f"{path.name}{DRAFT_SUFFIX}")
    if len(name) <= _MAX_NAME:
        return path.with_name(os.fsdecode(name))
    return path.with_name(f"{hashlib.sha256(name).hexdigest()}{DRAFT_SUFFIX}")

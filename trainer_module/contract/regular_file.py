"""Open files that others may have put there: only regular ones, and without waiting."""

import os
import stat
from collections.abc import Callable
from typing import BinaryIO

#: Reason of a pipe, a socket, a device or a folder.
NOT_REGULAR = "not a regular file"


class UnusableFileError(Exception):
    """A file that exists and is not read; the message is the reason."""


def open_regular(path: str, find_fault: Callable[[str], str] | None = None) -> BinaryIO:
    """Open a local file for reading. A pipe without a writer does not block.

    Args:
        path: Path of the file.
        find_fault: Function that gets the real path of the open file, and returns the reason why
            it must not be read, or "". It sees the file that is open, also where links were changed
            since the path was checked.

    Returns:
        The file; its permissions and its size are those of `os.fstat`.

    Raises:
        UnusableFileError: It is no regular file, or `find_fault` returned a reason.
        OSError: It cannot be opened.
        ValueError: The path holds a NUL character.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise UnusableFileError(NOT_REGULAR)
        if find_fault and (reason := find_fault(_real_path(number, path))):
            raise UnusableFileError(reason)
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def _real_path(number: int, path: str) -> str:
    """Return the path of an open file without links."""
    try:
        return os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 (Path would change some names)
    except OSError:  # an operating system other than Linux
        return os.path.realpath(path)

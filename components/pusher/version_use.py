"""Marks a version as in use while a server has it loaded, so that it is not removed.

The mark is a shared lock on the record of its push. The operating system releases it when the
server ends, however it ends. On a file system without locks there are no marks.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from trainer_module.contract.model_assets import PUSH_RECORD


def mark_in_use(version: Path) -> int | None:
    """Mark a version as in use until the descriptor that is returned is closed.

    Args:
        version: Folder of the version. It may be read-only.

    Returns:
        The descriptor; None where the version cannot be marked.
    """
    try:
        handle = os.open(version / PUSH_RECORD, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def is_in_use(version: Path) -> bool:
    """Return whether a server of this machine, or of one that shares the locks, uses a version.

    Args:
        version: Folder of the version. One whose record another user owns counts as in use.
    """
    with contextlib.suppress(OSError):
        try:
            handle = os.open(version / PUSH_RECORD, os.O_RDWR)  # network folders lock no other ones
        except PermissionError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False

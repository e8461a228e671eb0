"""Lock a file, so that one process at a time does what the lock stands for.

The operating system releases the lock of a killed process. On NFS, all machines see it.
"""

import errno
import fcntl
import os
from pathlib import Path

#: Errors of file systems without locks, such as network folders without a lock service.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


def lock_file(path: Path) -> int:
    """Create a file if it does not exist, and lock it until its descriptor is closed.

    Returns:
        The descriptor.

    Raises:
        BlockingIOError: Another process holds the lock.
        OSError: The file cannot be written, or its file system has no locks.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:  # otherwise its holder has removed it: lock a new one
                return handle
        except PermissionError as error:  # how some network file systems tell of another holder
            os.close(handle)
            raise BlockingIOError(*error.args) from None
        except OSError:
            os.close(handle)
            raise
        os.close(handle)

"""Size and time of a file, local or remote, or the reason why it is unusable."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri

#: Messages for the HTTP status codes that concern one file. Any other code concerns the store.
FILE_ERRORS = {403: os.strerror(errno.EACCES), 404: os.strerror(errno.ENOENT)}

#: Beginning of the reason of a file that cannot be opened. The message of the error follows.
UNREADABLE = "cannot be opened: "

#: Reason of a file that this user may not read.
NO_ACCESS = UNREADABLE + os.strerror(errno.EACCES)

#: Reason of a file that does not exist.
MISSING = UNREADABLE + os.strerror(errno.ENOENT)

#: Schemes of the web, which no filesystem of Beam opens.
WEB = ("http://", "https://", "ftp://")

#: Reason of a file on the web.
NOT_DOWNLOADED = "web addresses are not read. Download the file, and name its path"

#: The end of 1980-01-01, in ns since the epoch. Tools write that day, with which the times of ZIP
#: archives begin, or 0, for a time that is not known.
NO_TIME = 315_619_200 * 10**9


@dataclass(frozen=True)
class FileStatus:
    """Status of a file.

    Attributes:
        size: Size in bytes, 0 for an unusable file.
        modified: Time of the last change in ns since the epoch, 0 for an unusable file.
        reason: Reason why the file is unusable; None for a usable file.
    """

    size: int = 0
    modified: int = 0
    reason: str | None = None


def modified_time(status: os.stat_result) -> int:
    """Return the time of the last change of a file, in ns since the epoch.

    Archives and build tools give all files one time, such as 0. It does not change with the
    content, so for a time before 1980 the time of the last change of the inode is returned.

    Args:
        status: Status of the file.
    """
    return status.st_mtime_ns if status.st_mtime_ns > NO_TIME else status.st_ctime_ns


def read_file_status(location: str) -> FileStatus:
    """Look up a file without opening it.

    Args:
        location: Local path, or a URI that Beam's filesystems open.

    Raises:
        UnavailableError: The store of a URI is unavailable.
    """
    if location.lower().startswith(WEB):
        return FileStatus(reason=NOT_DOWNLOADED)
    try:
        if is_uri(location):
            from apache_beam.io.filesystems import FileSystems

            metadata = FileSystems.get_filesystem(location).metadata(location)
            # A float of seconds holds today's time to a microsecond.
            modified = round(metadata.last_updated_in_seconds * 1e6) * 1000
            return FileStatus(metadata.size_in_bytes, modified)
        status = Path(location).stat()
        if not stat.S_ISREG(status.st_mode):
            return FileStatus(reason="not a regular file")
        if not os.access(location, os.R_OK, effective_ids=True):
            return FileStatus(reason=NO_ACCESS)
        return FileStatus(status.st_size, modified_time(status))
    except (OSError, ValueError) as error:
        return FileStatus(reason=UNREADABLE + _message(location, error))


def add_file_status(row: ListingRow, location: str) -> None:
    """Look up the file of a row, and set `bytes` and `modified`, or `reason`, in the row.

    Args:
        row: Row to complete.
        location: Local path or URI of its file.

    Raises:
        UnavailableError: The store of a URI is unavailable.
    """
    status = read_file_status(location)
    row["bytes"], row["modified"] = status.size, status.modified
    if status.reason:
        row["reason"] = status.reason


def _message(location: str, error: Exception) -> str:
    # Beam wraps what a store raises.
    cause = (getattr(error, "exception_details", None) or {}).get(location, error)
    if isinstance(cause, OSError | ValueError):
        return getattr(cause, "strerror", None) or str(cause)
    if (code := getattr(cause, "code", None)) in FILE_ERRORS:
        return FILE_ERRORS[code]
    raise UnavailableError(
        f"{location} cannot be looked up: {cause!r}. Check the network, the credentials, and that "
        "Beam's extra for this store is installed."
    ) from None

"""Files of a delivery that are missing or unavailable for now, or that it may not name."""

import errno
import os
import time
from collections.abc import Iterable, Sequence

from pipeline.inputs.allowed_roots import OUTSIDE, advise_allowing, outside_folders
from pipeline.inputs.file_status import MISSING, UNREADABLE, read_file_status
from pipeline.inputs.manifest_path import may_arrive
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate
from trainer_module.contract.output_text.wording import counted

FORBIDDEN = UNREADABLE + os.strerror(errno.EACCES)

#: Reasons of local files whose store is unavailable, such as a network folder.
STORE_UNAVAILABLE = frozenset(
    UNREADABLE + os.strerror(code)
    for code in (
        errno.ENOTCONN,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
    )
)

ADVICE = "The batch waits for them: deliver them, or correct or remove the batch"


def check_manifest(path: str) -> None:
    """Check that a manifest can be opened.

    Raises:
        UnavailableError: It cannot be opened.
    """
    reason = read_file_status(path).reason or ""
    if reason.startswith(UNREADABLE):
        raise UnavailableError(f"manifest {path} {reason}. Make it readable, or remove it")


def check_allowed(rows: Sequence[ListingRow], root: str) -> None:
    """Check that a delivery does not consist of files that it may not name.

    Args:
        rows: Rows of the delivery, with the reasons why files are unusable.
        root: Folder that their paths are relative to.

    Raises:
        InputError: No row is or will be usable, and at least one because its file is outside of
            the allowed roots.
    """
    outside = [row for row in rows if row.get("reason", "").startswith(OUTSIDE)]
    if outside and not any(_may_be_usable(row, root) for row in rows):
        folders = outside_folders(row["reason"] for row in outside)
        raise InputError(
            f"{_count(outside, rows)} {OUTSIDE}; the first is {locate(root, outside[0]['path'])}. "
            f"{advise_allowing(folders)}"
        )


def check_arrived(rows: Sequence[ListingRow], root: str) -> None:
    """Check that no file of a manifest is missing.

    Args:
        rows: Rows of the manifest, with the reasons why files are unusable.
        root: Folder that their paths are relative to.

    Raises:
        UnavailableError: Files are missing.
    """
    missing = [row for row in rows if may_arrive(row.get("reason", ""))]
    if missing:
        _wait(f"{_count(missing, rows)} missing; the first is {locate(root, missing[0]['path'])}")


def check_stores(rows: Sequence[ListingRow], root: str) -> None:
    """Check that the store of every file can be reached.

    Args:
        rows: Rows of the delivery, with the reasons why files are unusable.
        root: Folder that their paths are relative to.

    Raises:
        UnavailableError: A store is unavailable.
    """
    unavailable = [row for row in rows if _is_unavailable(row, root)]
    if unavailable:
        row = unavailable[0]
        _wait(
            f"{_count(unavailable, rows)} unavailable; the first is "
            f"{locate(root, row['path'])}: {row['reason']}"
        )


def check_copies(
    rows: Sequence[ListingRow], reasons: Iterable[str], root: str, quiet_seconds: float
) -> None:
    """Check that every file of a delivery was available and complete when it was copied.

    Args:
        rows: Rows of the delivery, as they were before the copy.
        reasons: The reason why the file of each row was not copied; "" for a copied file.
        root: Folder that their paths are relative to.
        quiet_seconds: Seconds without a change after which a file is complete.

    Raises:
        UnavailableError: A file vanished, a store failed, or an unusable file was changed so
            lately that it may still be written.
    """
    late = [
        (row, reason)
        for row, reason in zip(rows, reasons, strict=True)
        if reason and "reason" not in row
        if may_arrive(reason)
        or _is_unavailable({**row, "reason": reason}, root)
        or abs(time.time() - row["modified"] / 1e9) < quiet_seconds
    ]
    if late:
        row, reason = late[0]
        number = _count([row for row, _ in late], rows)
        _wait(f"{number} incomplete; the first is {locate(root, row['path'])}: {reason}")


def _may_be_usable(row: ListingRow, root: str) -> bool:
    return "reason" not in row or may_arrive(row["reason"]) or _is_unavailable(row, root)


def _is_unavailable(row: ListingRow, root: str) -> bool:
    reason = row.get("reason", "")
    location = locate(root, row["path"])
    if is_uri(location) and not location.lower().startswith("file:"):
        return reason.startswith(UNREADABLE) and reason not in (MISSING, FORBIDDEN)
    return reason in STORE_UNAVAILABLE


def _count(found: Sequence[ListingRow], rows: Sequence[ListingRow]) -> str:
    return f"{len(found):,} of {counted(len(rows), 'file')} {'is' if len(found) == 1 else 'are'}"


def _wait(problem: str) -> None:
    raise UnavailableError(f"{problem}. {ADVICE}")

"""Read the files that earlier commands left in a workspace, and tell what to do if one is damaged.

Such a file is never empty. After a power failure it can be empty or filled with zeros, after a full
disk it can be cut off, and a person can have changed or moved it.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer_module.contract.errors import UnavailableError

#: What to do about a damaged file of a version.
RESTORE_VERSION = (
    "Restore the version from a backup, or take it out of service with carryover rollback."
)


def read_state(path: Path, what: str, remedy: str) -> bytes:
    """Read a file of a workspace.

    Args:
        path: Path of the file.
        what: What the file is, the first word of the message.
        remedy: Sentence that tells the user what to do if the file is missing or damaged.

    Raises:
        UnavailableError: The file is missing, empty or unreadable.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UnavailableError(f"{what} {path} is missing. {remedy}") from None
    except PermissionError:
        raise UnavailableError(
            f"{what} {path} cannot be read: permission denied. Make it readable for this user."
        ) from None
    except OSError as error:
        raise UnavailableError(
            f"{what} {path} cannot be read: {error.strerror}. {remedy}"
        ) from None
    if not content.strip(b"\0 \r\n"):
        raise damaged_file(path, what, "it is empty", remedy)
    return content


def read_json_object(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Read a file of a workspace that holds one JSON object.

    Args:
        path: Path of the file.
        what: What the file is, the first word of the message.
        remedy: Sentence that tells the user what to do if the file is missing or damaged.

    Raises:
        UnavailableError: The file is missing, unreadable or damaged.
    """
    content = read_state(path, what, remedy)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged_file(path, what, f"{error}", remedy) from None
    if not isinstance(values, dict):
        raise damaged_file(path, what, "it holds no JSON object", remedy)
    return values


@contextlib.contextmanager
def reading(path: Path | str, what: str, remedy: str) -> Iterator[None]:
    """Tell which file or folder is damaged where a library fails to read it in the block.

    Args:
        path: Path or URI of the file or folder. The block does nothing but read it.
        what: What it is, the first word of the message.
        remedy: Sentence that tells the user what to do.

    Raises:
        UnavailableError: The block raises an error of any kind.
    """
    try:
        yield
    except UnavailableError:
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UnavailableError(
            f"{what} {path} cannot be read: {lines[0].rstrip('.')}. {remedy}"
        ) from error


def damaged_file(path: Path, what: str, problem: str, remedy: str) -> UnavailableError:
    """Return the error about a file whose content is damaged.

    Args:
        path: Path of the file.
        what: What the file is, the first word of the message.
        problem: What is wrong with its content.
        remedy: Sentence that tells the user what to do.
    """
    return UnavailableError(f"{what} {path} is damaged: {problem}. {remedy}")

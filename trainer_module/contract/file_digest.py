"""The digest of a file of any size."""

import hashlib
from pathlib import Path

#: Bytes that are read at a time.
_PART = 2**20


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex.

    Args:
        path: Path of the file.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()

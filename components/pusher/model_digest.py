"""Digest of a model, by which the Pusher and the cache recognise it."""

import hashlib
from pathlib import Path


def model_digest(model: Path) -> str:
    """Return the SHA-256 over the names and contents of a model's files, in hex.

    Args:
        model: Folder of the SavedModel.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in model.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(model).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()

"""A folder that this process may not look into."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def unreadable(folder: Path) -> Iterator[None]:
    """Take the permission to look into a folder from this process."""
    folder.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)  # root may read everything
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o700)

"""Blocks of a test that run without root's right to read and write everything."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

#: Id of a user who owns no files, `nobody` on most systems.
NOBODY = 65534


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Run the block as a user to whom permissions apply. Modules must be imported before it."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a new folder that every user may enter, unlike pytest's `tmp_path`.

    It is removed at the end, whatever permissions its files have.
    """
    folder = Path(tempfile.mkdtemp(prefix="open-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        subprocess.run(["/bin/chmod", "-R", "u+rwx", str(folder)], check=True)
        shutil.rmtree(folder)

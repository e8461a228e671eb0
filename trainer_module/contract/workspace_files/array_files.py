"""Reading of the files of arrays that are kept with a model."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION, reading


@contextlib.contextmanager
def reading_arrays(path: Path, what: str) -> Iterator[NpzFile]:
    """Open a file of arrays, and tell which file is damaged where the block fails to read it.

    Nothing is unpickled.

    Args:
        path: Path of the file.
        what: What it is, the first word of the message.

    Raises:
        UnavailableError: The file is unreadable, or the block raises an error.
    """
    with reading(path, what, RESTORE_VERSION), np.load(path, allow_pickle=False) as arrays:
        yield arrays

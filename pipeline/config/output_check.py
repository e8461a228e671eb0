"""Checks that what a command makes can be written, before it works for minutes."""

import errno
import os
import tempfile
from pathlib import Path

from trainer_module.contract.errors import InputError

#: Errors that another folder on the same disk would have, too. They are no bad input.
_FULL = (errno.ENOSPC, errno.EDQUOT)


def prepare_output_folder(folder: Path, option: str = "--output DIR") -> None:
    """Create the folder of `--output`, and check that files can be written there.

    Args:
        folder: Path of the folder.
        option: How the user can give another one.

    Raises:
        InputError: The folder cannot be created or written.
        OSError: The disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise InputError(
            f"output folder {folder} cannot be written: {error.strerror}. "
            f"Give another one with {option}."
        ) from None


def check_output_file(file: Path) -> None:
    """Check that the file of `--output` can be written, and create its folder.

    Args:
        file: Path of the file.

    Raises:
        InputError: The file or its folder cannot be written.
        OSError: The disk is full.
    """
    # Unlike the methods of Path, these do not raise where a folder may not be entered.
    is_there, is_folder = os.path.exists(file), os.path.isdir(file)  # noqa: PTH110, PTH112
    if is_there and (is_folder or not os.access(file, os.W_OK)):
        number = errno.EISDIR if is_folder else errno.EACCES
        raise InputError(
            f"output file {file} cannot be written: {os.strerror(number)}. "
            "Give another one with --output FILE."
        )
    if not is_there:
        prepare_output_folder(file.parent, "--output FILE")

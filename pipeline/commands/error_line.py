"""The line about an error that a user sees."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipeline.running.run_failure import DISK_FULL, OTHER_FAULTS, RunFailedError
from pipeline.terminal.printable_stream import UnwritableStreamError
from trainer_module.contract.errors import InputError, safe_message


def error_line(error: Exception, workspace: Path | None) -> str:
    """Return the message of an error in one line.

    Where the machine is to blame, the line says what to do. Where a disk is full, libraries do not
    say which one: the line then has the free space of each.

    Args:
        error: Error that ended a command.
        workspace: Workspace of the command, if it has one.
    """
    text = error.reason if isinstance(error, RunFailedError) else str(error)
    line = safe_message(" ".join(text.split())) or type(error).__name__
    if isinstance(error, InputError):  # it says what to do
        return line
    for fault, remedy in OTHER_FAULTS.items():
        if fault in line:
            return f"{line.rstrip('.')}. {remedy}"
    if isinstance(error, UnwritableStreamError):
        return f"what is printed cannot be written: {error.strerror}. Redirect it to another file."
    if isinstance(error, FileNotFoundError) and _lost_working_directory():
        return "the working directory was removed. Change to another folder."
    if not any(words in line for words in DISK_FULL):
        return line
    folders = [*([workspace] if workspace else []), _temporary_folder()]
    other = "give another workspace with --workspace DIR, or " if workspace else "give "
    with contextlib.suppress(FileNotFoundError):  # the working directory may have been removed
        folders.append(Path.cwd())
    return (
        f"{line}. Free space: {_free_space(folders)}. Free some, or {other}another folder for "
        "temporary files with TMPDIR."
    )


def _lost_working_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _temporary_folder() -> Path:
    """Return the folder for temporary files, also where it is full and cannot be tried."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 (it is only looked at)


def _free_space(folders: Iterable[Path]) -> str:
    texts = []
    for folder in dict.fromkeys(path.absolute() for path in folders):
        # Unlike Path.exists, this does not raise where a folder may not be entered.
        existing = next(path for path in (folder, *folder.parents) if os.path.exists(path))  # noqa: PTH110
        free = shutil.disk_usage(existing).free / 2**20
        texts.append(f"{free:,.0f} MiB in {folder}")
    return ", ".join(texts)

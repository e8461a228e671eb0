"""Highest number that a version had, so that no number is used twice, whatever someone deletes."""

import logging
from pathlib import Path

from trainer_module.contract.atomic_write import atomic_write

_logger = logging.getLogger("carryover.versions")


def read_highest_version(workspace: Path, name: str) -> int:
    """Return the highest number that was noted; 0 without any.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model.
    """
    try:
        return int(_file(workspace, name).read_text())
    except (OSError, ValueError):  # the folders of the versions have their numbers, too
        return 0


def note_highest_version(workspace: Path, name: str, version: int) -> None:
    """Note the number of a version that was pushed, or is about to be rolled back.

    A full disk is only logged: it neither fails a push that is complete, nor keeps a version in
    service.

    Args:
        workspace: Folder of the workspace.
        name: Name of the model.
        version: Number of the version, which is the highest in the serving directory.
    """
    if version <= read_highest_version(workspace, name):
        return
    try:
        atomic_write(_file(workspace, name), f"{version}\n")
    except OSError as error:
        _logger.warning("the number of version %d is not noted: %s", version, error)


def _file(workspace: Path, name: str) -> Path:
    return workspace / f".highest-version-{name}"

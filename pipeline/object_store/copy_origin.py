"""Which workspace in an object store a folder is the working copy of.

Every command asks that about its workspace, so that nothing else is imported here.
"""

import json
from pathlib import Path

from trainer_module.contract.errors import InputError

#: Name of the file that tells it, and of the folder with the files of the workspace beside it.
ORIGIN, WORKSPACE = "origin.json", "workspace"


def origin_of(workspace: Path) -> str:
    """Return the URI of the workspace that a folder is the working copy of; "" if it is none."""
    try:
        values = json.loads((workspace.absolute().parent / ORIGIN).read_bytes())
    except (OSError, ValueError):
        return ""
    is_copy = isinstance(values, dict) and workspace.absolute().name == WORKSPACE
    return str(values.get("uri", "")) if is_copy else ""


def check_no_working_copy(workspace: Path) -> None:
    """Refuse a folder that is the working copy of a workspace in a store.

    Args:
        workspace: Folder that a user has given.

    Raises:
        InputError: It is one; what a command changes there would be lost.
    """
    if uri := origin_of(workspace):
        raise InputError(
            f"workspace {workspace} is the working copy of {uri}. Give --workspace {uri}."
        )

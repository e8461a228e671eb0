"""The workspace of a command that changes what is there, and makes no new one."""

from pathlib import Path
from typing import TYPE_CHECKING

from trainer_module.contract.errors import InputError

if TYPE_CHECKING:
    from pipeline.workspace import Workspace


def used_workspace(path: Path) -> "Workspace":
    """Return a workspace that a command has written to, and that can be changed.

    Args:
        path: Path on the command line.

    Raises:
        InputError: The folder is no workspace, or cannot be written.
    """
    from pipeline.config.path_check import check_workspace, folder_problem
    from pipeline.workspace import Workspace

    workspace = Workspace(path.resolve())
    problem = folder_problem(path) or ("" if workspace.is_used else "is no workspace")
    if problem:
        raise InputError(
            f"workspace {path} {problem}. Give the folder of one with --workspace DIR."
        )
    check_workspace(workspace.root)
    return workspace

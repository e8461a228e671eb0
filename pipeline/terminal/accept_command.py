"""The command with which a person overrules a decision, as a text to copy."""

import shlex
from pathlib import Path


def accept_command(workspace: Path, run_id: str = "", batch: str = "") -> str:
    """Return the command that accepts the candidate of a run, or the labels of a batch.

    Args:
        workspace: Folder of the workspace.
        run_id: Id of the run.
        batch: Name of the batch, if there is no run.
    """
    what = run_id or f"--batch {shlex.quote(batch)}"
    return f'carryover accept {what} --reason "..." --workspace {shlex.quote(str(workspace))}'

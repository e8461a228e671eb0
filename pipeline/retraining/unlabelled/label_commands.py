"""The commands with which a person gives labels to the pictures of a batch, as texts to copy."""

import posixpath
import shlex
from pathlib import Path

from pipeline.retraining.batch import Batch
from pipeline.workspace import Workspace

#: Folder that the text names for chosen pictures, and their number.
CHOSEN, COUNT = "to-label", 100


def label_awaited(workspace: Path, batch: Batch) -> list[str]:
    """Return the command that labels the pictures which decide on the candidate of a batch.

    Args:
        workspace: Folder of the workspace.
        batch: Batch whose candidate awaits labels.
    """
    return [_label(str(Workspace(workspace).to_label / batch.digest), workspace, batch)]


def select_and_label(workspace: Path, batch: Batch) -> list[str]:
    """Return the commands that choose pictures of a batch without labels, and label them.

    Args:
        workspace: Folder of the workspace.
        batch: Batch without labels.
    """
    inbox = posixpath.dirname(batch.source)
    select = _line("select", "--inbox", inbox, "--count", str(COUNT), "--output", CHOSEN)
    return [f"{select} --workspace {shlex.quote(str(workspace))}", _label(CHOSEN, workspace, batch)]


def _label(folder: str, workspace: Path, batch: Batch) -> str:
    output = posixpath.join(posixpath.dirname(batch.source), f"{batch.name}-labels")
    options = ("--classes-from", str(workspace), "--only-labelled", "--output", output)
    return _line("label", folder, *options)


def _line(*words: str) -> str:
    return " ".join(("carryover", *map(shlex.quote, words)))

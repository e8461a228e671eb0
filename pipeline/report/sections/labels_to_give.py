"""What to do about a candidate that awaits labels."""

import shlex
from dataclasses import dataclass
from itertools import pairwise

from pipeline.report.run_record import RunRecord
from pipeline.terminal.accept_command import accept_command
from pipeline.workspace import Workspace


@dataclass(frozen=True)
class LabelsToGive:
    """Pictures whose labels decide on the candidate of a run, and the commands.

    Attributes:
        folder: Folder of the pictures; "" where it was removed.
        counts: Number of the pictures by domain.
        commands: Commands that label them and let the labels decide.
        accept: Command that pushes the candidate without labels.
    """

    folder: str
    counts: dict[str, int]
    commands: list[str]
    accept: str


def read_labels_to_give(record: RunRecord) -> LabelsToGive | None:
    """Return what to do; None for a run whose candidate does not await labels.

    Args:
        record: Run of the report.
    """
    summary = record.summary
    if summary.status != "awaiting_labels" or record.version is not None:
        return None
    workspace = Workspace(record.folder.parents[1])
    digest = workspace.batch_digest(summary.run_id)
    folder = workspace.to_label / digest if digest else None
    return LabelsToGive(
        folder=str(folder) if folder and folder.exists() else "",
        counts={name: len(names) for name, names in summary.unverified.items()},
        commands=_commands_of(workspace, summary.label_commands),
        accept=accept_command(workspace.root, summary.run_id),
    )


def _commands_of(workspace: Workspace, commands: list[str]) -> list[str]:
    """Return the commands of a run for the place where its workspace is now.

    Args:
        workspace: The workspace, which may have been moved or copied since the run.
        commands: Commands with the path of the workspace that the run had.
    """
    words = [shlex.split(command) for command in commands]
    pairs = (pair for line in words for pair in pairwise(line))
    before = next((value for option, value in pairs if option == "--workspace"), None)

    def moved(word: str) -> str:
        is_inside = before and (word == before or word.startswith(f"{before}/"))
        return f"{workspace.root}{word[len(str(before)) :]}" if is_inside else word

    return [shlex.join(map(moved, line)) for line in words]

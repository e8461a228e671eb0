"""What to do about a candidate that awaits labels."""

from dataclasses import dataclass

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
        commands=summary.label_commands,
        accept=accept_command(workspace.root, summary.run_id),
    )

"""Finds the reports of runs, and opens them and nothing else."""

from pathlib import Path
from typing import BinaryIO

from pipeline.report.run_report import FILE
from pipeline.workspace import RUN_ID, Workspace
from trainer_module.contract.regular_file import UnusableFileError, open_regular


def newest_run(workspace: Workspace) -> str | None:
    """Return the id of the newest run that has ended; None if there is none.

    Args:
        workspace: Workspace with the runs.

    Raises:
        OSError: The folder of the runs cannot be read.
    """
    if not workspace.runs.is_dir():
        return None
    run_ids = (path.name for path in workspace.runs.iterdir() if RUN_ID.fullmatch(path.name))
    ended = (one for one in sorted(run_ids, reverse=True) if _has_ended(workspace, one))
    return next(ended, None)


def _has_ended(workspace: Workspace, run_id: str) -> bool:
    return (workspace.runs / run_id / "summary.json").is_file()


def has_report(workspace: Workspace, run_id: str | None) -> bool:
    """Return whether a run has a report that can be opened.

    Args:
        workspace: Workspace with the run.
        run_id: Id of the run; None for none.
    """
    try:
        open_report(workspace, run_id or "").close()
    except FileNotFoundError:
        return False
    return True


def open_report(workspace: Workspace, run_id: str) -> BinaryIO:
    """Open the report of a run for reading.

    Args:
        workspace: Workspace with the run.
        run_id: Id of the run, which may come from a client.

    Raises:
        FileNotFoundError: There is no such run, it has no report, or the report is a link to
            another file, or no file.
    """
    if not RUN_ID.fullmatch(run_id):
        raise FileNotFoundError(run_id)
    path = workspace.runs / run_id / FILE
    try:
        expected = path.parent.resolve() / FILE
        return open_regular(str(path), lambda real: _find_fault(real, expected))
    except (OSError, UnusableFileError) as error:
        raise FileNotFoundError(str(path)) from error


def _find_fault(real: str, expected: Path) -> str:
    """Return why an open file is no report: its path without links is another one."""
    return "" if Path(real) == expected else "a link to another file"

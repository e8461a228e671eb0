"""Artifacts that ML Metadata does not know are never overwritten."""

import sqlite3
from pathlib import Path

import pytest

from pipeline.running.prepare_launcher import check_artifacts
from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError

pytestmark = pytest.mark.component


def write_executions(workspace: Workspace, count: int) -> None:
    workspace.metadata.unlink(missing_ok=True)
    with sqlite3.connect(workspace.metadata) as connection:
        connection.execute("create table Execution (id integer primary key)")
        connection.executemany("insert into Execution values (?)", [(n + 1,) for n in range(count)])
    connection.close()


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path) -> Workspace:
    """A workspace with outputs of 12 executions."""
    workspace = Workspace(tmp_path)
    for name in ("Trainer/model/12", "Trainer/.system/executor_execution/12", "Pusher/pushed/9"):
        (workspace.artifacts / name).mkdir(parents=True)
    write_executions(workspace, 12)
    return workspace


def test_a_workspace_as_runs_leave_it_is_accepted(workspace, tmp_path):
    check_artifacts(workspace)
    check_artifacts(Workspace(tmp_path / "new"))


@pytest.mark.parametrize("count", [None, 0, 9, 11])
def test_a_database_that_is_lost_emptied_or_older_than_the_artifacts_is_refused(workspace, count):
    if count is None:
        workspace.metadata.unlink()
    elif count == 0:
        workspace.metadata.write_bytes(b"")
    else:
        write_executions(workspace, count)
    with pytest.raises(UnavailableError) as error:
        check_artifacts(workspace)
    assert str(error.value) == (
        f"folder {workspace.artifacts} holds outputs that {workspace.metadata} does not know: the "
        "database is missing or too old. Restore it from a backup, or move both away: then the run "
        "computes its components again."
    )
    workspace.artifacts.rename(workspace.root / "away")
    check_artifacts(workspace)

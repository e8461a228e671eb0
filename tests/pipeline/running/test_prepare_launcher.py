"""Artifacts that ML Metadata does not know are never overwritten; versions to compare with."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.pusher.version_store import Push, VersionStore
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.inputs.snapshot import Snapshot
from pipeline.running.prepare_launcher import check_artifacts, pipeline_inputs
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import TEST_PREDICTIONS

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


def push(store: VersionStore, accepted: str | None = None, keeps: bool = True) -> None:
    """Push a version, with the predictions for its test pictures or without them."""
    model = store.root / "model"
    model.mkdir(parents=True, exist_ok=True)
    (model / "saved_model.pb").write_bytes(b"model")
    record = Push("digest", "run", "key", None, "2024-01-01T00:00:00", {}, accepted=accepted)

    def complete(version: Path) -> None:
        if keeps:
            (version / TEST_PREDICTIONS).write_bytes(b"predictions")

    store.push(model, record, complete)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> VersionStore:
    """Versions 1 to 4; the second was pushed before predictions were kept."""
    store = VersionStore(tmp_path / "workspace", "colours")
    for number in range(1, 5):
        push(store, keeps=number != 2)
    return store


def earlier_versions(store: VersionStore, baseline: int | None) -> list[int]:
    """Numbers of the versions that a run compares its candidate with, beside the baseline."""
    snapshot = Snapshot(Path("listing"), "digest", "/data", ("day",), 1, {}, ())
    workspace = Workspace(store.root)
    workspace.inputs.mkdir(exist_ok=True)
    run = SimpleNamespace(workspace=workspace, store=store, snapshot=snapshot, run_id="run")
    inputs = pipeline_inputs(run, ComponentFingerprints(), "key", baseline)
    for number, folder in inputs.earlier_versions.items():
        assert folder == str(store.path(number))
    return list(inputs.earlier_versions)


def test_a_candidate_is_compared_with_all_versions_before_the_baseline_that_kept_predictions(store):
    assert earlier_versions(store, 4) == [1, 3]
    assert earlier_versions(store, 3) == [1]
    assert earlier_versions(store, 1) == []
    assert earlier_versions(store, None) == []


def test_versions_before_an_accepted_one_do_not_count(store):
    push(store, accepted="the new scanner is worse")
    assert earlier_versions(store, 5) == []
    push(store)
    assert earlier_versions(store, 6) == [5]
    assert earlier_versions(store, 4) == [1, 3]  # a run that repeats an earlier one


def test_versions_that_were_rolled_back_do_not_count(store):
    store.roll_back()
    push(store)
    assert earlier_versions(store, 5) == [1, 3]


@pytest.mark.parametrize("lost_by", [1, 3, 4])
def test_a_version_that_lost_its_predictions_is_not_left_out_without_a_word(store, lost_by):
    (store.path(lost_by) / TEST_PREDICTIONS).unlink()
    with pytest.raises(InputError, match=f"/{lost_by} is damaged: {TEST_PREDICTIONS} is missing"):
        earlier_versions(store, 4)

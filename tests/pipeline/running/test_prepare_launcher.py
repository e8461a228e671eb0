"""Artifacts that ML Metadata does not know are never overwritten; versions to compare with."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.pusher.data_set import SCHEMA
from components.pusher.version_store import Push, VersionStore
from pipeline.dag import PipelineInputs
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.inputs.snapshot import Snapshot
from pipeline.report.lineage import check_artifacts
from pipeline.running.prepare_launcher import pipeline_inputs
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import PICTURES, PUSH_RECORD, TEST_PREDICTIONS

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
            rows = [{"domain": domain, "split": "train"} for domain in ("fog", "night")]
            pq.write_table(pa.Table.from_pylist(rows, SCHEMA), version / PICTURES)

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
    inputs = inputs_of_run(store, baseline)
    for number, folder in inputs.earlier_versions.items():
        assert Path(folder).resolve() == store.folder(number)
    return list(inputs.earlier_versions)


def inputs_of_run(store: VersionStore, baseline: int | None) -> PipelineInputs:
    """Inputs of the pipeline of a run with a baseline."""
    snapshot = Snapshot(Path("listing"), "digest", "/data", ("day",), 1, {}, ())
    workspace = Workspace(store.root)
    workspace.inputs.mkdir(exist_ok=True)
    run = SimpleNamespace(workspace=workspace, store=store, snapshot=snapshot, run_id="run")
    return pipeline_inputs(run, ComponentFingerprints(), "key", baseline)


def test_domains_of_all_pictures_that_a_version_was_made_from_are_known(store):
    assert inputs_of_run(store, 4).known_domains == ("fog", "night")
    assert inputs_of_run(store, 2).known_domains == ("day",)  # all, as it kept no list
    assert inputs_of_run(store, None).known_domains is None


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


def test_versions_that_were_removed_to_free_the_disk_count_by_the_same_paths(store):
    before = inputs_of_run(store, 4).earlier_versions
    store.remove(1)
    assert earlier_versions(store, 4) == [1, 3]
    assert inputs_of_run(store, 4).earlier_versions == before
    (store.folder(1) / TEST_PREDICTIONS).unlink()
    with pytest.raises(
        InputError, match=f"removed_versions/colours/1 is damaged: {TEST_PREDICTIONS}"
    ):
        earlier_versions(store, 4)


def test_the_paths_of_other_models_with_the_numbers_of_deleted_ones_differ(store):
    def paths() -> set[str]:
        inputs = inputs_of_run(store, 4)
        return {str(inputs.baseline_uri), *inputs.earlier_versions.values()}

    before = paths()
    for number in (1, 3, 4):
        record = store.path(number) / PUSH_RECORD
        record.write_text(record.read_text().replace(': "digest"', ': "other"'))
    assert len(before | paths()) == 2 * len(before)


def test_an_earlier_version_with_a_damaged_record_counts_all_the_same(store):
    (store.path(1) / PUSH_RECORD).write_bytes(b"")
    (store.path(3) / PUSH_RECORD).unlink()
    assert earlier_versions(store, 4) == [1, 3]


@pytest.mark.parametrize("lost_by", [1, 3, 4])
def test_a_version_that_lost_its_predictions_is_not_left_out_without_a_word(store, lost_by):
    (store.path(lost_by) / TEST_PREDICTIONS).unlink()
    with pytest.raises(InputError, match=f"/{lost_by} is damaged: {TEST_PREDICTIONS} is missing"):
        earlier_versions(store, 4)

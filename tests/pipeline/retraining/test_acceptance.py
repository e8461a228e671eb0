"""Acceptance of a rejected candidate; what its run leaves behind is written by hand."""

import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml
from tiny_pictures import write_files
from tiny_summary import summary
from tiny_workspace import NAME, push_copy

from components.image_example_gen.catalog import SCHEMA, write_catalog
from components.pusher.data_set import read_data_set
from components.pusher.version_store import VersionStore
from pipeline import component_ids
from pipeline.config.run_config import RunConfig
from pipeline.retraining.acceptance import accept_candidate
from pipeline.retraining.ledger import FILE, Batch, Ledger
from pipeline.summary.run_outputs import write_outputs
from pipeline.workspace import BATCH, Workspace
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

RUN_ID = "20240102-000000"
STATISTICS = b"statistics of the training split"


@pytest.fixture(name="root")
def _root(served: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(served, tmp_path / "workspace"))


@pytest.fixture(name="store")
def _store(root: Path) -> VersionStore:
    return VersionStore(root, NAME)


def add_run(root: Path, batch: str | None = None, status: str = "not_blessed") -> Path:
    """Write what a run leaves behind whose candidate was compared with version 1."""
    artifacts = root / "artifacts"
    shutil.copytree(root / "model", artifacts / "model" / "Format-Serving")
    write_files(artifacts / "statistics", {"Split-train/FeatureStats.pb": STATISTICS})
    (artifacts / "catalog").mkdir()
    row = {"image_id": b"batches/b/1.png", "domain": "night", "label": "red", "split": "train"}
    row |= {"content": b"content of 1.png"}
    write_catalog(str(artifacts / "catalog"), "00000-of-00001", [dict.fromkeys(SCHEMA.names) | row])
    folder = root / "runs" / RUN_ID
    folder.mkdir(parents=True)
    outputs = {
        component_ids.TRAINER: {"model": str(artifacts / "model")},
        component_ids.STATISTICS_GEN: {"statistics": str(artifacts / "statistics")},
        component_ids.IMAGE_EXAMPLE_GEN: {"catalog": str(artifacts / "catalog")},
    }
    write_outputs(outputs, folder)
    summary(run_id=RUN_ID, status=status, baseline_version=1, data_root=str(root)).write(folder)
    config = RunConfig(name=NAME, data="/data", workspace=root)
    (folder / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    if batch:
        (folder / BATCH).write_text(f"{batch}\n")
    return folder


def add_rejected_batch(root: Path, name: str, digest: str) -> Batch:
    ledger = Ledger(root)
    batch = ledger.add(name, f"/inbox/{name}", digest, "stamp")
    assert batch
    return ledger.finish(batch.number, "rejected", "worse", run_id=RUN_ID)


def locations(store: VersionStore, version: int) -> list[bytes]:
    table = read_data_set(store.path(version))
    assert table is not None
    return list(table["location"].to_pylist())


def test_an_accepted_candidate_is_pushed_with_the_reason(root, store):
    add_run(root)
    assert accept_candidate(root, RUN_ID, "we know") == 2
    assert store.versions() == [1, 2]
    push = store.read_push(2)
    assert (push.run_id, push.accepted, push.baseline_version) == (RUN_ID, "we know", 1)
    assert (push.batch, push.run_key) == (None, "")
    assert push.domains["night"]["accuracy"] == 0.65
    assert (store.path(2) / "saved_model.pb").exists()
    assert not store.find_batch("batch")


def test_an_accepted_version_has_the_statistics_and_pictures_of_its_run(root, store):
    add_run(root)
    accept_candidate(root, RUN_ID, "we know")
    kept = store.path(2) / "assets.extra" / "statistics" / "FeatureStats.pb"
    assert kept.read_bytes() == STATISTICS
    assert locations(store, 2) == [b"batches/b/1.png"]


def test_an_accepted_retraining_keeps_the_pictures_of_its_baseline_and_updates_its_batch(
    root, store
):
    add_run(root, batch="digest")
    other = add_rejected_batch(root, "other", "other digest")
    batch = add_rejected_batch(root, "monday", "digest")
    accept_candidate(root, RUN_ID, "we know")
    assert store.read_push(2).batch == "digest"
    assert store.find_batch("digest") == 2
    assert locations(store, 2) == [*locations(store, 1), b"batches/b/1.png"]
    ledger = Ledger(root)
    accepted = ledger.read(batch.number)
    assert (accepted.state, accepted.version) == ("pushed", 2)
    assert (accepted.reason, accepted.run_id) == ("accepted: we know", RUN_ID)
    assert ledger.read(other.number) == other


def test_a_candidate_is_accepted_only_once(root, store):
    add_run(root)
    accept_candidate(root, RUN_ID, "we know")
    with pytest.raises(InputError) as error:
        accept_candidate(root, RUN_ID, "again")
    assert str(error.value) == (
        f"run {RUN_ID} was compared with version 1, but version 2 is the serving version now. "
        "Deliver the batch again."
    )
    assert store.versions() == [1, 2]


def test_a_candidate_that_was_compared_with_an_older_version_is_not_pushed(root, store):
    add_run(root)
    push_copy(store, root / "model", "run of someone else")
    with pytest.raises(InputError, match="version 2 is the serving version now"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1, 2]


def test_an_unknown_run_is_answered_with_the_finished_ones(root):
    add_run(root)
    (root / "runs" / "20240103-000000").mkdir()  # it has no summary yet
    for run_id in ("20240103-000000", "none"):
        with pytest.raises(InputError, match=f"no finished run {run_id}. Give one of: {RUN_ID}."):
            accept_candidate(root, run_id, "we know")


@pytest.mark.parametrize("status", ["pushed", "failed"])
def test_only_a_candidate_that_was_not_blessed_can_be_accepted(root, store, status):
    add_run(root, status=status)
    with pytest.raises(InputError, match=f"has the status {status}"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1]


def test_a_removed_model_is_an_input_error(root, store):
    add_run(root)
    shutil.rmtree(root / "artifacts" / "model")
    with pytest.raises(InputError, match=f"model of run {RUN_ID} does not exist any more"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1]


def test_nothing_is_pushed_while_another_run_uses_the_workspace(root, store):
    add_run(root)
    with Workspace(root).lock(), pytest.raises(InputError, match="is in use"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1]


def test_nothing_is_pushed_when_the_ledger_is_of_a_newer_version(root, store):
    add_run(root)
    connection = sqlite3.connect(root / FILE)
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(InputError, match="schema version 99"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1]

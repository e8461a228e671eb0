"""Acceptance of a rejected candidate; what its run leaves behind is written by hand."""

import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from damaged_files import cut_off, damage_id, empty, remove, restored
from finished_run import RUN_ID, STATISTICS, add_run
from retraining_site import KilledError, be_killed
from tiny_pictures import write_files
from tiny_workspace import NAME, push_copy
from typer.testing import CliRunner

from components.pusher.data_set import read_data_set
from components.pusher.model_digest import model_digest
from components.pusher.rollback_record import write_rollback
from components.pusher.version_store import VersionStore
from pipeline.cli import app
from pipeline.retraining.acceptance import accept_candidate
from pipeline.retraining.batch import FILE, Batch
from pipeline.retraining.ledger import Ledger
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import PICTURES, REFERENCE

pytestmark = pytest.mark.component


@pytest.fixture(autouse=True)
def _user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")


@pytest.fixture(name="root")
def _root(served: Path, tmp_path: Path, loaded_models: None) -> Path:
    return Path(shutil.copytree(served, tmp_path / "workspace"))


@pytest.fixture(name="store")
def _store(root: Path) -> VersionStore:
    return VersionStore(root, NAME)


def add_rejected_batch(root: Path, name: str, digest: str) -> Batch:
    ledger = Ledger(root)
    batch = ledger.add(name, f"/inbox/{name}", digest, "stamp")
    assert batch
    return ledger.finish(batch.number, "rejected", "worse", run_id=RUN_ID)


def locations(store: VersionStore, version: int) -> list[bytes]:
    table = read_data_set(store.path(version))
    assert table is not None
    return list(table["location"].to_pylist())


@pytest.mark.parametrize(
    ("reason", "kept"), [("we know", "we know"), ("not UTF-8: \udcff\n", r"not UTF-8: \udcff\n")]
)
def test_an_accepted_candidate_is_pushed_with_the_reason(root, store, reason, kept):
    add_run(root)
    assert accept_candidate(root, RUN_ID, reason) == 2
    assert store.versions() == [1, 2]
    push = store.read_push(2)
    assert (push.run_id, push.accepted, push.baseline_version) == (RUN_ID, kept, 1)
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
    assert (accepted.reason, accepted.run_id) == ("worse; accepted by ann: we know", RUN_ID)
    assert ledger.read(other.number) == other


def test_a_candidate_is_accepted_only_once(root, store):
    add_run(root)
    accept_candidate(root, RUN_ID, "we know")
    with pytest.raises(InputError) as error:
        accept_candidate(root, RUN_ID, "again")
    assert str(error.value) == (
        f"run {RUN_ID} was accepted already, as version 2. There is nothing to do."
    )
    assert store.versions() == [1, 2]


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_candidate_is_not_accepted_without_a_reason(root, store, reason):
    add_run(root)
    with pytest.raises(InputError, match="--reason says nothing"):
        accept_candidate(root, RUN_ID, reason)
    assert store.versions() == [1]


def test_a_candidate_that_was_rolled_back_is_accepted_again_and_its_history_tells_all_of_it(
    root, store
):
    add_run(root, batch="digest")
    batch = add_rejected_batch(root, "monday", "digest")
    accept_candidate(root, RUN_ID, "we know")
    store.roll_back(lambda version: write_rollback(version, "wrong pictures"))
    assert accept_candidate(root, RUN_ID, "we do know") == 3
    accepted = Ledger(root).read(batch.number)
    assert (accepted.state, accepted.version) == ("pushed", 3)
    assert re.fullmatch(
        r"worse; accepted by ann: we know; version 2 was rolled back [\d-]+ [\d:]+: wrong "
        "pictures; accepted by ann: we do know",
        accepted.reason,
    )
    done = CliRunner().invoke(app, ["history", "--workspace", str(root)])
    assert "version 2 was rolled back" in " ".join(done.stdout.split())


def test_an_accepted_version_is_written_to_the_delivery_of_its_run_if_another_was_pushed_later(
    root, store
):
    add_run(root, batch="digest")
    batch = add_rejected_batch(root, "monday", "digest")
    ledger = Ledger(root)
    again = ledger.add("monday", "/inbox/monday", "digest", "touched")
    assert again
    later = ledger.finish(again.number, "pushed", "better", version=9, run_id="run of version 9")
    assert accept_candidate(root, RUN_ID, "we know") == 2
    accepted = Ledger(root).read(batch.number)
    assert (accepted.state, accepted.version) == ("pushed", 2)
    assert Ledger(root).read(later.number) == later
    with pytest.raises(InputError, match="accepted already, as version 2"):
        accept_candidate(root, RUN_ID, "again")


@pytest.mark.parametrize("rolled_back_before", [False, True])
def test_the_repetition_of_a_killed_acceptance_finishes_it(
    root, store, monkeypatch, rolled_back_before
):
    add_run(root, batch="digest")
    batch = add_rejected_batch(root, "monday", "digest")
    if rolled_back_before:
        accept_candidate(root, RUN_ID, "early")
        store.roll_back()
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Ledger, "finish", lambda *_, **__: be_killed())
        accept_candidate(root, RUN_ID, "we know")
    version = accept_candidate(root, RUN_ID, "again")
    assert store.versions() == [1, version]
    accepted = Ledger(root).read(batch.number)
    assert (accepted.state, accepted.version) == ("pushed", version)
    assert accepted.reason.endswith("; accepted by ann: we know")
    assert accepted.reason.startswith("worse; ")
    with pytest.raises(InputError, match=f"accepted already, as version {version}"):
        accept_candidate(root, RUN_ID, "once more")


def test_the_reason_counts_with_which_a_version_is_accepted_that_was_put_back(root, store):
    add_run(root, batch="digest")
    batch = add_rejected_batch(root, "monday", "digest")
    for reason in ("one", "two"):
        accept_candidate(root, RUN_ID, reason)
        store.roll_back()
    shutil.move(store.rolled_back / "2", store.path(2))
    assert accept_candidate(root, RUN_ID, "three") == 2
    accepted = Ledger(root).read(batch.number)
    assert accepted.version == 2
    reasons = re.findall("accepted by ann: ([a-z]+)", accepted.reason)
    assert reasons == ["one", "two", "three"]


@pytest.mark.parametrize("place", ["moved", "ä b, c%20", "deep/artifacts/workspace"])
def test_a_candidate_is_accepted_in_a_workspace_that_was_moved(root, tmp_path, place):
    add_run(root, batch="digest")
    moved = tmp_path / place
    moved.parent.mkdir(parents=True, exist_ok=True)
    root.rename(moved)
    assert accept_candidate(moved, RUN_ID, "we know") == 2
    assert locations(VersionStore(moved, NAME), 2)[-1] == b"batches/b/1.png"


def test_a_copy_of_a_workspace_reads_nothing_of_its_original(root, store, tmp_path):
    add_run(root)
    copy = Path(shutil.copytree(root, tmp_path / "copy"))
    for path in (root / "artifacts").rglob("*"):
        if path.is_file():
            path.write_bytes(b"other")
    accept_candidate(copy, RUN_ID, "we know")
    copied = VersionStore(copy, NAME)
    assert copied.read_push(2).digest == model_digest(copy / "model")
    kept = copied.path(2) / "assets.extra" / "statistics" / "FeatureStats.pb"
    assert kept.read_bytes() == STATISTICS
    assert store.versions() == [1]


def test_a_candidate_that_was_compared_with_an_older_version_is_not_pushed(root, store):
    add_run(root)
    push_copy(store, root / "model", "run of someone else")
    with pytest.raises(InputError, match="version 2 is the serving version now"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1, 2]


def test_a_folder_that_is_no_workspace_is_left_as_it_is(tmp_path):
    for folder in (write_files(tmp_path / "pictures", {"day/cat/1.png": b""}), tmp_path / "new"):
        with pytest.raises(
            InputError, match=r"no finished run 1 in workspace .*\. Give one of: none"
        ):
            accept_candidate(folder, "1", "we know")
        assert [path.name for path in folder.glob("*")] == ["day"] * folder.exists()
    assert not (tmp_path / "new").exists()


def test_an_unknown_run_is_answered_with_the_finished_ones(root):
    add_run(root)
    (root / "runs" / "20240103-000000").mkdir()  # it has no summary yet
    out = f"../runs/{RUN_ID}"
    for run_id in ("20240103-000000", "none", "..", out):
        with pytest.raises(InputError, match=rf"no finished run {run_id} in .*: {RUN_ID}\."):
            accept_candidate(root, run_id, "we know")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("pushed", "If its version was rolled back, deliver its batch again"),
        ("failed", "Only the "),
    ],
)
def test_only_a_candidate_that_was_not_blessed_can_be_accepted(root, store, status, advice):
    add_run(root, status=status)
    with pytest.raises(InputError, match=f"has the status {status}. {advice}"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1]


def test_a_removed_model_is_an_input_error(root, store):
    add_run(root)
    shutil.rmtree(root / "artifacts" / "model")
    with pytest.raises(InputError, match=f"model of run {RUN_ID} .* cannot be read: .* exist"):
        accept_candidate(root, RUN_ID, "we know")
    assert store.versions() == [1]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model/Format-Serving/saved_model.pb", cut_off),
        ("model/Format-Serving/variables/variables.index", cut_off),
        ("statistics/Split-train/FeatureStats.pb", empty),
        ("statistics/Split-train/FeatureStats.pb", remove),
        ("catalog/pictures-00000-of-00001.parquet", cut_off),
        ("catalog/pictures-00000-of-00001.parquet", remove),
    ],
    ids=damage_id,
)
def test_a_damaged_artifact_is_named_and_nothing_is_pushed_until_it_is_restored(
    root, store, name, damage
):
    add_run(root)
    file = root / "artifacts" / name
    with restored(file):
        damage(file)
        with pytest.raises(UnavailableError) as error:
            accept_candidate(root, RUN_ID, "we know")
        assert f" of run {RUN_ID} {root / 'artifacts'}/{name.split('/')[0]}" in str(error.value)
        assert "Restore it from a backup, or train again." in str(error.value)
        assert store.versions() == [1]
    assert accept_candidate(root, RUN_ID, "we know") == 2


@pytest.mark.parametrize("name", [REFERENCE, PICTURES, "saved_model.pb"])
def test_a_serving_version_that_lost_a_file_is_named_and_nothing_is_pushed(root, store, name):
    add_run(root)
    file = store.path(1) / name
    with restored(file):
        remove(file)
        with pytest.raises(UnavailableError, match=f"{store.path(1)} is damaged: {name} is miss"):
            accept_candidate(root, RUN_ID, "we know")
        assert store.versions() == [1]
    assert accept_candidate(root, RUN_ID, "we know") == 2


def test_a_list_of_artifacts_that_lacks_one_is_named(root, store):
    outputs = add_run(root) / "outputs.json"
    outputs.write_text("{}")
    with pytest.raises(UnavailableError, match=f"artifacts of run {RUN_ID} {outputs} cannot be"):
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


def test_the_command_prints_one_line_and_nothing_of_the_libraries(root, run_python):
    add_run(root)
    options = ("--reason", "we know", "--workspace", root)
    done = run_python("-m", "pipeline.cli", "accept", RUN_ID, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Pushed version 2 of run {RUN_ID}, accepted: we know\n"

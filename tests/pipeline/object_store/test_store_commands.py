"""Commands with `--workspace s3://...`, on a folder that stands for the store."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("obstore")

from obstore.store import LocalStore
from served_versions import NAME, serve_version
from stored_versions import object_names
from typer.testing import CliRunner, Result

from components.pusher.version_store import VersionStore
from pipeline.cli import app
from pipeline.object_store import store_commands
from pipeline.object_store.copy_origin import origin_of
from pipeline.object_store.remote_workspace import RemoteWorkspace
from pipeline.object_store.state_chain import StateChain, StateConflictError, state_name
from pipeline.object_store.store_lease import StoreLease
from pipeline.object_store.stored_paths import is_stored
from pipeline.object_store.working_copy import WorkingCopy, copy_folder
from trainer_module.contract.errors import InputError

URI = "s3://bucket/models"


@pytest.fixture
def store(tmp_path, monkeypatch) -> LocalStore:
    """A folder that the commands take for the store, with two versions and their runs."""
    store = LocalStore(tmp_path / "store", mkdir=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store_commands, "open_store", lambda uri: store)
    remote = RemoteWorkspace(store, URI, WorkingCopy(tmp_path / "first", is_stored))
    remote.copy.prepare(URI)
    serve_version(remote.copy.root, 1)
    serve_version(remote.copy.root, 2)
    remote.push("run")
    return store


def carryover(*words: str) -> Result:
    """Run a command to its end; an error is raised, as in `pipeline.cli.main`."""
    return CliRunner().invoke(app, words, catch_exceptions=False, standalone_mode=False)


def served(store: LocalStore) -> set[str]:
    """The versions that model servers see."""
    return {name.split("/")[2] for name in object_names(store, "serving")}


def test_versions_and_history_read_the_newest_state(store):
    assert re.search(r"2 .*serving|serving.* 2", carryover("versions", "-w", URI).output)
    assert carryover("history", "--workspace", URI).exit_code == 0
    assert StateChain(store).newest_number() == 1


def test_a_reader_has_no_artifacts_and_no_batches(store, tmp_path):
    remote = RemoteWorkspace(store, URI, WorkingCopy(tmp_path / "first", is_stored))
    for name in ("artifacts", "batches", "rolled_back"):
        (remote.copy.root / name).mkdir()
        (remote.copy.root / name / "file").write_text("")
    remote.push("retrain")
    carryover("versions", f"--workspace={URI}")
    copy = copy_folder(URI, "read") / "workspace"
    assert not (copy / "artifacts").exists()
    assert not (copy / "batches").exists()
    assert (copy / "rolled_back" / "file").exists()


def test_a_rollback_makes_a_state_and_withdraws_the_version(store):
    assert served(store) == {"1", "2"}

    carryover("rollback", "--workspace", URI, "--reason", "worse at night")

    assert served(store) == {"1"}
    state = StateChain(store).read(2)
    assert state.command == "rollback"
    assert f"rolled_back/{NAME}/2/saved_model.pb" in state.manifest.files


def test_a_server_gets_what_others_push_and_keeps_what_it_has_without_the_store(
    store, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(store_commands, "FOLLOW_SECONDS", 0.05)
    with store_commands.stored_workspace(URI, "serve") as root:
        versions = VersionStore(root, NAME)
        assert versions.newest() == 2
        carryover("rollback", "--workspace", URI)
        wait_until(lambda: versions.newest() == 1)
        damaged = tmp_path / "store" / state_name(3)
        damaged.write_bytes(b"damaged")
        wait_until(lambda: "state 3 of the workspace" in capsys.readouterr().err)
        assert versions.newest() == 1


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_cleaning_says_what_it_removes_from_the_store(store):
    assert "removed 0 objects" in carryover("clean", "--workspace", URI, "--keep", "2").output
    dry = carryover("clean", "--workspace", URI, "--keep", "2", "--dry-run").output
    assert URI not in dry


def test_a_failed_command_keeps_what_it_has_changed(store):
    retrain = store_commands.stored_workspace(URI, "retrain")
    with pytest.raises(RuntimeError, match="later"), retrain as root:
        (root / "ledger.sqlite").write_bytes(b"one attempt")
        raise RuntimeError("later")
    assert "ledger.sqlite" in StateChain(store).read(2).manifest.files


def test_an_interrupted_command_is_resumed_by_the_next_one(store):
    retrain = store_commands.stored_workspace(URI, "retrain")
    with pytest.raises(KeyboardInterrupt), retrain as root:
        (root / "ledger.sqlite").write_bytes(b"half")
        raise KeyboardInterrupt
    assert StateChain(store).newest_number() == 1
    with store_commands.stored_workspace(URI, "retrain") as root:
        assert (root / "ledger.sqlite").read_bytes() == b"half"
    assert StateChain(store).newest_number() == 2


def test_without_a_lease_the_second_of_two_commands_fails_and_changes_nothing(store, tmp_path):
    other = RemoteWorkspace(store, URI, WorkingCopy(tmp_path / "other", is_stored))
    other.copy.prepare(URI)
    other.pull()
    retrain, message = store_commands.stored_workspace(URI, "retrain"), "while this one ran"
    with pytest.raises(StateConflictError, match=message), retrain as root:
        VersionStore(root, NAME).withdraw(2)
        (other.copy.root / "ledger.sqlite").write_bytes(b"of the other one")
        other.push("retrain")
    assert served(store) == {"1", "2"}


def test_a_command_is_refused_while_another_machine_holds_the_lease(store):
    with StoreLease(store, URI, "copy of another machine", "run").hold():
        with pytest.raises(InputError, match=f"{URI} is in use by `carryover run`"):
            carryover("rollback", "--workspace", URI)
        assert carryover("versions", "--workspace", URI).exit_code == 0


def test_a_command_is_refused_while_another_one_here_uses_the_copy(store):
    refused = pytest.raises(InputError, match=r"in use by .* of this machine")
    with store_commands.stored_workspace(URI, "retrain"), refused:
        carryover("rollback", "--workspace", URI)


def test_the_working_copy_itself_is_no_workspace(store):
    carryover("rollback", "--workspace", URI)
    copy = copy_folder(URI, "change") / "workspace"
    assert origin_of(copy) == URI
    with pytest.raises(InputError, match=f"is the working copy of {URI}"):
        carryover("rollback", "--workspace", str(copy))


@pytest.mark.parametrize(
    "words", [["export", "--format", "onnx"], ["join"], ["forget", "--path", "x"], ["monitor"]]
)
def test_other_commands_say_which_ones_work(words, store):
    with pytest.raises(InputError, match=f"`carryover {words[0]}` does not work on a workspace in"):
        carryover(*words, "--workspace", URI)


def test_an_empty_store_is_no_workspace_to_read(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = LocalStore(Path(tmp_path / "empty"), mkdir=True)
    monkeypatch.setattr(store_commands, "open_store", lambda uri: store)
    with pytest.raises(InputError, match=f"workspace {URI} has no state"):
        carryover("versions", "--workspace", URI)

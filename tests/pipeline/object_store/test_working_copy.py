import os

import pytest

pytest.importorskip("obstore")

from store_writer import open_any_store, push_version, remote_workspace
from stored_versions import served_digests

from pipeline.object_store.file_transfer import object_name
from pipeline.object_store.remote_workspace import RemoteWorkspace
from pipeline.object_store.state_chain import StateConflictError, state_name
from trainer_module.contract.errors import InputError, UnavailableError


@pytest.fixture
def uri(tmp_path):
    """A folder that stands for a store, with a version in it."""
    uri = str(tmp_path / "store")
    push_version(remote_workspace(uri, tmp_path / "first"))
    return uri


def change(remote: RemoteWorkspace, content: str) -> None:
    """Change a file as a command does, without pushing."""
    remote.copy.begin_change()
    (remote.copy.root / "ledger.sqlite").write_text(content)


def ledger(remote: RemoteWorkspace) -> str:
    """The changed file."""
    return (remote.copy.root / "ledger.sqlite").read_text()


def test_another_machine_gets_every_file_with_its_time_and_rights(uri, tmp_path):
    first, other = remote_workspace(uri, tmp_path / "first"), remote_workspace(uri, tmp_path / "b")
    change(first, "batch 1")
    secret = first.copy.root / "secrets.yaml"
    secret.write_text("token")
    secret.chmod(0o600)
    (first.copy.root / "batches").mkdir()
    first.push("retrain")

    other.pull()

    assert other.copy.scan(other.copy.base()) == first.copy.scan(first.copy.base())
    assert (other.copy.root / "secrets.yaml").stat().st_mode & 0o777 == 0o600
    assert (other.copy.root / "batches").is_dir()


def test_a_command_that_changes_nothing_makes_no_state(uri, tmp_path):
    remote = remote_workspace(uri, tmp_path / "first")
    remote.pull()
    remote.copy.begin_change()
    os.utime(remote.copy.root / "ledger.sqlite")
    assert remote.push("retrain") == 1


def test_the_loser_is_told_and_its_files_are_set_aside(uri, tmp_path, capsys):
    first, other = remote_workspace(uri, tmp_path / "first"), remote_workspace(uri, tmp_path / "b")
    first.pull()
    other.pull()
    change(first, "the winner's")
    change(other, "the loser's")
    first.push("retrain")
    with pytest.raises(StateConflictError, match="Give the same command again"):
        other.push("retrain")

    other.pull()

    assert ledger(other) == "the winner's"
    kept = tmp_path / "b" / "set-aside" / "ledger.sqlite"
    assert kept.read_text() == "the loser's"
    assert f"1 file of that one: {kept.parent}" in capsys.readouterr().err


def test_what_a_killed_command_has_left_stays_where_nobody_else_has_pushed(uri, tmp_path):
    remote = remote_workspace(uri, tmp_path / "first")
    change(remote, "half of a pass")
    remote.pull()
    assert ledger(remote) == "half of a pass"


def test_a_file_that_is_lost_from_the_cache_is_no_change(uri, tmp_path):
    """Programs that clear caches must not remove files of the workspace."""
    remote = remote_workspace(uri, tmp_path / "first")
    content = ledger(remote)
    (remote.copy.root / "ledger.sqlite").unlink()
    remote.pull()
    assert ledger(remote) == content


def test_a_rolled_back_version_leaves_the_store_and_other_copies(uri, tmp_path):
    first, other = remote_workspace(uri, tmp_path / "first"), remote_workspace(uri, tmp_path / "b")
    push_version(first)
    other.pull()
    first.copy.begin_change()
    (first.copy.root / "rolled_back" / "pets").mkdir(parents=True)
    version = first.copy.root / "serving" / "pets" / "2"
    version.rename(first.copy.root / "rolled_back" / "pets" / "2")
    first.push("rollback")

    other.follow()

    assert list(served_digests(open_any_store(uri))) == [1]
    assert [path.name for path in (other.copy.root / "serving" / "pets").iterdir()] == ["1"]
    assert (other.copy.root / "rolled_back" / "pets" / "2" / "saved_model.pb").exists()


def test_a_damaged_object_is_named_and_nothing_takes_its_place(uri, tmp_path):
    remote, other = remote_workspace(uri, tmp_path / "first"), remote_workspace(uri, tmp_path / "b")
    name = object_name(remote.copy.base().manifest.files["ledger.sqlite"].digest)
    (tmp_path / "store" / name).write_bytes(b"cut off")
    with pytest.raises(UnavailableError, match=f"object {name} of the workspace is damaged"):
        other.pull()
    assert not (other.copy.root / "ledger.sqlite").exists()


def test_a_damaged_state_is_named(uri, tmp_path):
    (tmp_path / "store" / state_name(1)).write_bytes(b"\x1f\x8b cut off")
    with pytest.raises(InputError, match=r"state 1 of the workspace, states/.* is damaged"):
        remote_workspace(uri, tmp_path / "b").pull()


def test_a_store_that_has_lost_its_states_removes_nothing_here(uri, tmp_path):
    (tmp_path / "store" / state_name(1)).unlink()
    remote = remote_workspace(uri, tmp_path / "first")
    with pytest.raises(UnavailableError, match="has seen state 1"):
        remote.pull()
    assert ledger(remote)

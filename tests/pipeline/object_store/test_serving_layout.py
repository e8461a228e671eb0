"""In which order servers see the objects of a version."""

import pytest

pytest.importorskip("obstore")

import obstore
from store_writer import push_version, remote_workspace

MARKER = "serving/pets/2/saved_model.pb"


@pytest.fixture
def calls(monkeypatch):
    """Names of the objects that are copied and deleted, in their order."""
    names = []
    copy, delete = obstore.copy, obstore.delete

    def note_copy(store, source, target):
        names.append(f"+{target}")
        copy(store, source, target)

    def note_delete(store, name):
        names.append(f"-{name}")
        delete(store, name)

    monkeypatch.setattr(obstore, "copy", note_copy)
    monkeypatch.setattr(obstore, "delete", note_delete)
    return names


@pytest.fixture
def remote(tmp_path):
    """A workspace with two versions."""
    remote = remote_workspace(str(tmp_path / "store"), tmp_path / "copy")
    push_version(remote)
    push_version(remote)
    return remote


def test_the_marker_is_written_last_and_removed_first(remote, calls):
    newest = remote.chain.read(2)
    remote.layout._copy({})
    removed = [name for name in calls if "/pets/2/" in name]
    assert removed[0] == f"-{MARKER}"
    calls.clear()

    remote.layout.update(2, newest.manifest)

    added = [name for name in calls if "/pets/2/" in name]
    assert added[-1] == f"+{MARKER}"
    assert sorted(added) == sorted(name.replace("-", "+", 1) for name in removed)


def test_a_version_with_a_damaged_file_loses_its_marker_until_it_is_whole(remote, calls):
    obstore.put(remote.store, "serving/pets/2/variables/variables.index", b"cut off")
    obstore.put(remote.store, "serving/pets/2/left.tmp", b"")
    remote.layout.update(2, remote.chain.read(2).manifest)
    assert calls == [
        f"-{MARKER}",
        "-serving/pets/2/left.tmp",
        "+serving/pets/2/variables/variables.index",
        f"+{MARKER}",
    ]


def test_a_complete_directory_is_left_alone(remote, calls):
    remote.layout.update(2, remote.chain.read(2).manifest)
    assert calls == []


def test_a_command_that_comes_late_serves_the_newest_state(remote, tmp_path):
    """It has made a state, and another command the next one before it could copy."""
    late = remote.chain.read(1)
    remote.layout.update(1, late.manifest)
    served = remote.layout._present()
    assert sorted(served) == ["serving/pets/1", "serving/pets/2"]

"""Versions of which files are damaged, and pushes on a disk that is full."""

import errno
import json
import logging
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from damaged_files import DAMAGES, damage_id, mounted_disk, remove, restored
from tiny_pictures import write_files

from components.pusher import version_store
from components.pusher.version_store import Push, VersionStore
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import PUSH_RECORD

PUSH = Push("first", "run 1", "key", None, "2024-01-01T00:00:00", {"day": {"accuracy": 0.5}})


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    files = {f"variables/part-{number}": bytes(20_000) for number in range(5)}
    return write_files(tmp_path / "model", {"saved_model.pb": b"graph", **files})


@pytest.fixture(name="store")
def _store(tmp_path: Path, model: Path) -> VersionStore:
    """Versions 1 and 2 in the serving directory, and version 3, which was rolled back."""
    store = VersionStore(tmp_path / "workspace", "shapes")
    store.push(model, PUSH)
    store.push(model, replace(PUSH, digest="second", run_id="run 2", batch="batch"))
    store.push(model, replace(PUSH, digest="third", run_id="run 3"))
    store.roll_back()
    return store


@pytest.mark.parametrize("damage", [*DAMAGES, remove], ids=damage_id)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_damaged_record_is_named_and_all_other_versions_are_found(store, damage, version, caplog):
    folder = store.rolled_back / "3" if version == 3 else store.path(version)
    others = {1: "first", 2: "second", 3: "third"}
    del others[version]
    with restored(folder / PUSH_RECORD):
        damage(folder / PUSH_RECORD)
        with caplog.at_level(logging.WARNING, "carryover"):
            assert {number: push.digest for number, push, _ in store.pushes()} == others
        [(number, error)] = store.damaged_pushes().items()
        assert number == version
        assert str(error) in caplog.text
        assert str(folder) in str(error)
        assert str(error).endswith("out of the workspace.")
        assert store.newest() == 2
        assert store.rolled_back_versions() == [3]
        assert store.find(next(iter(others.values()))) is not None
    assert store.damaged_pushes() == {}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"digest": 5}, "digest: Input should be a valid string"),
        ({"domains": {"day": []}}, "domains.day: Input should be an object"),
        ({"run_id": None}, "run_id: Input should be a valid string"),
    ],
)
def test_a_record_with_a_value_of_another_type_is_damaged(store, changes, problem):
    record = store.path(2) / PUSH_RECORD
    record.write_text(json.dumps(asdict(PUSH) | changes))
    with pytest.raises(UnavailableError) as error:
        store.read_push(2)
    assert f"record of version 2 {record} is damaged: {problem}. Restore" in str(error.value)


def test_a_record_of_a_newer_carryover_may_have_more_in_it(store):
    record = store.path(1) / PUSH_RECORD
    record.write_text(json.dumps(asdict(PUSH) | {"added later": 1}))
    assert store.read_push(1) == PUSH


def test_a_damaged_newest_version_can_be_rolled_back(store):
    (store.path(2) / PUSH_RECORD).write_bytes(b"")
    shutil.rmtree(store.path(2) / "variables")
    assert store.roll_back() == (2, 1)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("step", ["copy2", "sync_folder", "complete"])
def test_a_push_that_a_full_disk_ends_leaves_nothing_and_can_be_repeated(
    store, model, monkeypatch, step, number
):
    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    before = sorted(store.root.rglob("*"))
    with monkeypatch.context() as patch, pytest.raises(OSError, match=os.strerror(number)):
        if step != "complete":
            patch.setattr(shutil if step == "copy2" else version_store, step, fail)
        store.push(model, PUSH, fail if step == "complete" else None)
    assert sorted(store.root.rglob("*")) == before
    assert store.push(model, PUSH) == 4


def test_a_push_to_a_disk_that_is_too_small_gives_the_space_back(tmp_path, model):
    with mounted_disk(tmp_path / "disk", "80k") as disk:
        store = VersionStore(disk.folder / "workspace", "shapes")
        with pytest.raises(OSError, match="No space left on device"):
            store.push(model, PUSH)
        assert store.versions() == []
        assert [path.name for path in store.root.iterdir()] == []
        disk.mount_again("size=1m")
        assert store.push(model, PUSH) == 1
        disk.mount_again("ro")
        with pytest.raises(OSError, match="Read-only file system"):
            store.push(model, PUSH)
        assert store.read_push(1) == PUSH


def test_folders_of_versions_are_on_the_disk_when_a_push_or_a_rollback_returns(
    store, model, monkeypatch
):
    flushed: list[Path] = []
    sync = version_store.sync_path
    monkeypatch.setattr(version_store, "sync_path", lambda path: (flushed.append(path), sync(path)))
    store.push(model, PUSH)
    assert {store.serving, store.serving.parent, store.root} <= set(flushed)
    flushed.clear()
    store.roll_back()
    assert flushed == [store.rolled_back, store.serving]


def test_a_folder_that_may_not_be_searched_is_told_as_such(store, monkeypatch):
    def refuse(self: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"cannot be read: permission denied\. Make it readable"):
        store.read_push(1)

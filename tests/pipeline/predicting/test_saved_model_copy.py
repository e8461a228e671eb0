"""Copies of a version for others."""

import contextlib
import errno
import os
import shutil

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline.predicting.saved_model_copy import export_saved_model
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError, UnavailableError

FILES = {
    "saved_model.pb": b"graph",
    "variables/variables.index": b"index",
    "variables/statistics": b"kept: another file of this name",
    "assets.extra/model.json": b"{}",
    "assets.extra/classifier.weights.h5": b"weights",
    "assets.extra/reference.npz": b"embeddings",
    "assets.extra/pictures.parquet": b"paths and digests",
    "assets.extra/out_of_fold.npz": b"paths",
    "assets.extra/fold_models.npz": b"weights of fold models",
    "assets.extra/statistics/FeatureStats.pb": b"statistics",
}

TRAINING_DATA = {
    "assets.extra/reference.npz",
    "assets.extra/pictures.parquet",
    "assets.extra/out_of_fold.npz",
    "assets.extra/fold_models.npz",
    "assets.extra/statistics/FeatureStats.pb",
}


@pytest.fixture(name="store")
def _store(tmp_path) -> VersionStore:
    store = VersionStore(tmp_path / "workspace", "shapes")
    store.push(write_files(tmp_path / "model", FILES), Push("d", "r", "k", None, "2024-01-01", {}))
    return store


def names(folder) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files}


@pytest.mark.parametrize("include", [False, True])
def test_training_data_are_copied_only_if_they_are_asked_for(store, tmp_path, include):
    export_saved_model(store.root, None, tmp_path / "out", include)
    copied = names(tmp_path / "out" / "shapes-1-saved-model")
    expected = {*FILES, "assets.extra/push.json"} - (set() if include else TRAINING_DATA)
    assert copied == expected
    assert names(store.path(1)) == {*FILES, "assets.extra/push.json"}


def test_a_copy_serves_in_another_workspace(store, tmp_path):
    export_saved_model(store.root, None, None, False)
    copy = store.root / "exports" / "shapes" / "1" / "shapes-1-saved-model"
    target = tmp_path / "other" / "serving" / "shapes" / "1"
    target.parent.mkdir(parents=True)
    copy.rename(target)
    other = find_store(tmp_path / "other", None)
    assert serving_version(other) == 1
    assert other.read_push(1).run_id == "r"


def test_an_earlier_copy_is_not_overwritten(store, tmp_path):
    export_saved_model(store.root, None, tmp_path, False)
    with pytest.raises(InputError, match=r"shapes-1-saved-model exists already\. Remove it"):
        export_saved_model(store.root, None, tmp_path, False)


@pytest.mark.parametrize("include", [False, True])
def test_a_copy_has_all_files_that_its_record_lists(store, tmp_path, include):
    export_saved_model(store.root, None, tmp_path / "out", include)
    copy = tmp_path / "out" / "shapes-1-saved-model"
    target = VersionStore(tmp_path / "other", "shapes").path(1)
    target.parent.mkdir(parents=True)
    copy.rename(target)
    files = VersionStore(tmp_path / "other", "shapes").read_push(1).files
    assert files is not None
    assert {*files, "assets.extra/push.json"} == names(target)
    VersionStore(tmp_path / "other", "shapes").check_files(1)


def test_two_commands_do_not_write_one_copy_at_the_same_time(store, tmp_path, monkeypatch):
    copy, refused = shutil.copy2, []

    def copy_while_another_command_tries(*arguments, **options):
        with pytest.raises(InputError, match=r"another carryover export writes .*-saved-model\."):
            export_saved_model(store.root, None, tmp_path / "out", False)
        refused.append(True)
        return copy(*arguments, **options)

    monkeypatch.setattr(shutil, "copy2", copy_while_another_command_tries)
    export_saved_model(store.root, None, tmp_path / "out", False)
    assert refused
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shapes-1-saved-model"]


def test_after_a_killed_command_the_copy_is_written_whole(store, tmp_path):
    left = tmp_path / "out" / "shapes-1-saved-model.part"
    write_files(left, {"saved_model.pb": b"gra", "left": b""})
    write_files(tmp_path / "out", {".shapes-1-saved-model.lock": b""})
    export_saved_model(store.root, None, tmp_path / "out", True)
    assert "left" not in names(tmp_path / "out" / "shapes-1-saved-model")
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    ("lost", "include", "is_refused"),
    [
        ("variables/variables.index", False, True),
        ("assets.extra/reference.npz", True, True),
        ("assets.extra/reference.npz", False, False),
    ],
)
def test_a_version_that_lost_what_the_copy_needs_is_not_copied(
    store, tmp_path, lost, include, is_refused
):
    (store.path(1) / lost).unlink()
    expected = pytest.raises(InputError, match=f"/1 is damaged: {lost} is missing")
    with expected if is_refused else contextlib.nullcontext():
        export_saved_model(store.root, None, tmp_path / "out", include)
    assert (tmp_path / "out").exists() != is_refused


def test_a_full_disk_is_one_line_that_names_it_and_nothing_is_left_there(
    store, tmp_path, monkeypatch
):
    copy = shutil.copy2

    def copy_until_full(source, target):
        if source.name == "model.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy2", copy_until_full)
    path = tmp_path / "out" / "shapes-1-saved-model"
    with pytest.raises(UnavailableError) as error:
        export_saved_model(store.root, None, tmp_path / "out", False)
    assert str(error.value) == (
        f"{path} cannot be written: No space left on device. Free some space, or give a folder on "
        "another disk with --output."
    )
    assert list((tmp_path / "out").iterdir()) == []

"""Copies of a version for others."""

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline.predicting.saved_model_copy import export_saved_model
from pipeline.version_lookup import find_store, serving_version
from trainer_module.contract.errors import InputError

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

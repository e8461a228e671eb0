"""Versions of a workspace, loaded although some of their files are lost."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from components.pusher.version_use import is_in_use
from pipeline.serving import version_loading
from pipeline.serving.version_loading import identify_version, load_version
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import DESCRIPTION, PUSH_RECORD, REFERENCE


@dataclass
class Loaded:
    """Stands for a loaded model."""

    folder: Path
    number: int

    __hash__ = object.__hash__


def lost(tmp_path: Path, name: str) -> VersionStore:
    """Return a store whose version 1 has lost a file."""
    store = VersionStore(tmp_path, "colours")
    files = {"saved_model.pb": b"graph", DESCRIPTION: b"{}", REFERENCE: b"embeddings"}
    push = Push("digest", "run", "key", None, "2024-01-01", {})
    store.push(write_files(tmp_path / "model", files), push)
    (store.path(1) / name).unlink()
    return store


@pytest.mark.parametrize("name", ["saved_model.pb", DESCRIPTION])
def test_a_version_that_lost_what_it_needs_to_predict_is_not_loaded(tmp_path, name):
    with pytest.raises(UnavailableError, match=f"/1 is damaged: {name} is missing. Restore the"):
        load_version(lost(tmp_path, name), 1)


def test_a_version_that_lost_what_training_needs_serves_with_a_warning(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(version_loading, "ServedModel", Loaded)
    assert load_version(lost(tmp_path, REFERENCE), 1).number == 1
    [record] = caplog.records
    assert record.message == (
        f"version {tmp_path / 'serving' / 'colours' / '1'} is damaged: {REFERENCE} is missing. It "
        "serves; restore it before the next training"
    )


def test_a_version_without_a_record_is_loaded_as_it_is(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(version_loading, "ServedModel", Loaded)
    store = lost(tmp_path, REFERENCE)
    (store.path(1) / PUSH_RECORD).unlink()
    assert load_version(store, 1).number == 1
    assert caplog.records == []


def test_a_version_is_in_use_as_long_as_it_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(version_loading, "ServedModel", Loaded)
    store = lost(tmp_path, REFERENCE)
    model = load_version(store, 1)
    assert is_in_use(store.path(1))
    del model
    assert not is_in_use(store.path(1))


def test_a_version_that_cannot_be_loaded_is_not_in_use(tmp_path):
    store = lost(tmp_path, REFERENCE)
    with pytest.raises(Exception, match="cannot be read"):
        load_version(store, 1)  # its file is no model
    assert not is_in_use(store.path(1))


def test_a_version_is_identified_by_its_record_or_by_the_time_of_its_file(tmp_path):
    store = lost(tmp_path, REFERENCE)
    assert identify_version(store, 1) == "digest"
    (store.path(1) / PUSH_RECORD).unlink()
    first = identify_version(store, 1)
    os.utime(store.path(1) / "saved_model.pb", (1, 1))
    assert len({"digest", "", first, identify_version(store, 1)}) == 4
    (store.path(1) / "saved_model.pb").unlink()
    assert identify_version(store, 1) == identify_version(store, 7) == ""

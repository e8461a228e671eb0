"""Versions of a workspace, loaded although some of their files are lost."""

import os
from pathlib import Path

import pytest
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline.serving import version_loading
from pipeline.serving.version_loading import identify_version, load_version
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import DESCRIPTION, PUSH_RECORD, REFERENCE


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
    monkeypatch.setattr(version_loading, "ServedModel", lambda folder, number: number)
    assert load_version(lost(tmp_path, REFERENCE), 1) == 1
    [record] = caplog.records
    assert record.message == (
        f"version {tmp_path / 'serving' / 'colours' / '1'} is damaged: {REFERENCE} is missing. It "
        "serves; restore it before the next training"
    )


def test_a_version_without_a_record_is_loaded_as_it_is(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(version_loading, "ServedModel", lambda folder, number: number)
    store = lost(tmp_path, REFERENCE)
    (store.path(1) / PUSH_RECORD).unlink()
    assert load_version(store, 1) == 1
    assert caplog.records == []


def test_a_version_is_identified_by_its_record_or_by_the_time_of_its_file(tmp_path):
    store = lost(tmp_path, REFERENCE)
    assert identify_version(store, 1) == "digest"
    (store.path(1) / PUSH_RECORD).unlink()
    first = identify_version(store, 1)
    os.utime(store.path(1) / "saved_model.pb", (1, 1))
    assert len({"digest", "", first, identify_version(store, 1)}) == 4
    (store.path(1) / "saved_model.pb").unlink()
    assert identify_version(store, 1) == identify_version(store, 7) == ""

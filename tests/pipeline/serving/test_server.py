"""The task that polls the directory of versions, and what the server is configured with."""

import asyncio
import logging
import os
import resource
from pathlib import Path

import pytest
from starlette.applications import Starlette
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore
from pipeline.serving import server
from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.server import (
    choose_hosts,
    http_config,
    identify_version,
    load_version,
    poll_versions,
)
from pipeline.serving.server_metrics import ServerMetrics
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import DESCRIPTION, PUSH_RECORD, REFERENCE


class Model:
    pass


def poll(monkeypatch, listings, load=lambda number: Model()) -> list[int]:
    """Poll a directory with these listings, of which the last one stays; return what is loaded."""
    monkeypatch.setattr(server, "POLL_SECONDS", 0)

    async def run() -> list[int]:
        polled_all = asyncio.Event()
        loop = asyncio.get_running_loop()

        def list_versions() -> list[int]:
            if len(listings) == 1:
                loop.call_soon_threadsafe(polled_all.set)
                return listings[0]
            listing = listings.pop(0)
            if isinstance(listing, OSError):
                raise listing
            return listing

        versions = LoadedVersions(list_versions, load)
        task = asyncio.create_task(poll_versions(versions, "Serving model 'x' at http://host"))
        await asyncio.wait_for(polled_all.wait(), 10)
        task.cancel()
        return list(versions.loaded())

    return asyncio.run(run())


def test_polling_survives_an_unreadable_directory_and_announces_once(monkeypatch, capsys, caplog):
    stale = OSError("stale file handle")
    assert poll(monkeypatch, [[], stale, stale, [1], [1, 2], [1, 2]]) == [2, 1]
    assert capsys.readouterr().out == "Serving model 'x' at http://host\n"
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [
        "the directory of versions cannot be read: stale file handle",
        "the directory of versions can be read again",
    ]
    assert "Traceback" not in caplog.text


def test_a_damaged_newest_version_is_named_and_the_one_before_it_served(
    monkeypatch, capsys, caplog
):
    def load(number: int) -> Model:
        if number == 2:
            raise ValueError("bad protobuf")
        return Model()

    assert poll(monkeypatch, [[1, 2], [1, 2], [1, 2]], load) == [1]
    assert "version 2 cannot be loaded: bad protobuf" in caplog.text
    assert capsys.readouterr().out == "Serving model 'x' at http://host\n"


def test_a_model_without_a_version_that_can_be_loaded_is_named_once(monkeypatch, capsys, caplog):
    def load(number: int) -> Model:
        raise ValueError("bad protobuf")

    assert poll(monkeypatch, [[1], [1], [1], [1]], load) == []
    assert caplog.text.count("version 1 cannot be loaded: bad protobuf") == 1
    assert caplog.text.count("no version can be loaded; waiting for a new one") == 1
    assert capsys.readouterr().out == ""


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
    monkeypatch.setattr(server, "ServedModel", lambda folder, number: number)
    assert load_version(lost(tmp_path, REFERENCE), 1) == 1
    [record] = caplog.records
    assert record.message == (
        f"version {tmp_path / 'serving' / 'colours' / '1'} is damaged: {REFERENCE} is missing. It "
        "serves; restore it before the next training"
    )


def test_a_version_without_a_record_is_loaded_as_it_is(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(server, "ServedModel", lambda folder, number: number)
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


def test_names_of_the_host_are_checked_on_the_loopback_or_if_they_are_given(caplog):
    other = [(b"host", b"attacker.example")]
    assert choose_hosts("127.0.0.1", []).find_error(other)
    assert not caplog.records
    assert not choose_hosts("0.0.0.0", []).find_error(other)  # noqa: S104 - it is not bound
    assert choose_hosts("::", ["models.example"]).find_error(other)
    first, second = (record.message for record in caplog.records)
    assert first.startswith("listening on 0.0.0.0: whoever can reach this machine")
    assert "--allowed-host" in first
    assert "--allowed-host" not in second
    with pytest.raises(InputError):
        choose_hosts("127.0.0.1", ["http://models.example"])


def test_connections_leave_half_of_the_open_files_to_everything_else(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda what: (100, 100))
    config = http_config(Starlette(), ServerMetrics(lambda: 0), ConnectionLimits())
    assert config.http.limits.connections == 50

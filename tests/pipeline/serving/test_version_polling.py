"""The task that polls the directory of versions."""

import asyncio
import logging

from pipeline.serving import version_polling
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.version_polling import poll_versions


class Model:
    pass


def poll(monkeypatch, listings, load=lambda number: Model()) -> list[int]:
    """Poll a directory with these listings, of which the last one stays; return what is loaded."""
    monkeypatch.setattr(version_polling, "POLL_SECONDS", 0)

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

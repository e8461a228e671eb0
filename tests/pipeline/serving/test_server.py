"""The task that polls the directory of versions."""

import asyncio

from pipeline.serving import server
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.server import poll_versions


class Model:
    pass


def test_polling_survives_an_unreadable_directory_and_announces_once(monkeypatch, capsys):
    monkeypatch.setattr(server, "POLL_SECONDS", 0)
    listings = [[], OSError("stale file handle"), [1], [1, 2], [1, 2]]

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

        versions = LoadedVersions(list_versions, lambda number: Model())
        task = asyncio.create_task(poll_versions(versions, "Serving model 'x' at http://host"))
        await asyncio.wait_for(polled_all.wait(), 10)
        task.cancel()
        return list(versions.loaded())

    assert asyncio.run(run()) == [2, 1]
    assert capsys.readouterr().out == "Serving model 'x' at http://host\n"

"""The task that polls the directory of versions."""

import asyncio
import logging
import threading

from pipeline.serving import version_polling
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.version_polling import VersionPolling


class Model:
    pass


def poll(monkeypatch, listings, load=lambda number: Model()) -> tuple[list[int], list[int]]:
    """Poll a directory with these listings, of which the last one stays.

    Returns what is loaded when polling has started, and when all listings were seen.
    """
    monkeypatch.setattr(version_polling, "POLL_SECONDS", 0)
    monkeypatch.setattr(version_polling, "LOOK_SECONDS", 0)

    async def run() -> tuple[list[int], list[int]]:
        polled_all, started = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def list_versions() -> list[int]:
            # Otherwise the next versions may be loaded before the start is over.
            assert versions.serving() is None or started.wait(10)
            if len(listings) == 1:
                loop.call_soon_threadsafe(polled_all.set)
                return listings[0]
            listing = listings.pop(0)
            if isinstance(listing, OSError):
                raise listing
            return listing

        versions = LoadedVersions(list_versions, load)
        polling = VersionPolling(versions)

        async def start() -> list[int]:
            await polling.start()
            loaded = list(versions.loaded())
            started.set()
            return loaded

        starting = asyncio.create_task(start())
        await asyncio.wait_for(polled_all.wait(), 10)
        await polling.stop(0)
        is_started = starting.done() or not starting.cancel()
        return starting.result() if is_started else [], list(versions.loaded())

    return asyncio.run(run())


def errors_in(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.ERROR]


def test_the_start_is_over_when_a_version_is_loaded(monkeypatch, caplog):
    assert poll(monkeypatch, [[], [], [1], [1], [1, 2], [1, 2]]) == ([1], [2, 1])
    assert errors_in(caplog) == [
        "no version is there yet; waiting for one, until then the port is closed",
        "the directory of versions can be read, and one is loaded",
    ]


def test_the_start_waits_for_one_version_and_not_for_the_others():
    go_on = threading.Event()

    def load(number: int) -> Model:
        assert number == 2 or go_on.wait(10)
        return Model()

    async def run() -> list[int]:
        versions = LoadedVersions(lambda: [1, 2], load)
        polling = VersionPolling(versions)
        await asyncio.wait_for(polling.start(), 5)
        loaded = list(versions.loaded())
        go_on.set()
        await polling.stop(0)
        return loaded

    assert asyncio.run(run()) == [2]


def test_polling_survives_an_unreadable_directory(monkeypatch, caplog):
    stale = OSError("stale file handle")
    assert poll(monkeypatch, [stale, [1], stale, stale, [1, 2], [1, 2]]) == ([1], [2, 1])
    unreadable = "the directory of versions cannot be read: stale file handle"
    readable = "the directory of versions can be read, and one is loaded"
    assert errors_in(caplog) == [unreadable, readable] * 2
    assert "Traceback" not in caplog.text


def test_a_damaged_newest_version_is_named_and_the_one_before_it_served(monkeypatch, caplog):
    def load(number: int) -> Model:
        if number == 2:
            raise ValueError("bad protobuf")
        return Model()

    assert poll(monkeypatch, [[1, 2], [1, 2], [1, 2]], load) == ([1], [1])
    assert errors_in(caplog) == ["version 2 cannot be loaded: bad protobuf"]


def test_a_model_without_a_version_that_can_be_loaded_is_named_once(monkeypatch, caplog):
    def load(number: int) -> Model:
        raise ValueError("bad protobuf")

    assert poll(monkeypatch, [[1], [1], [1], [1]], load) == ([], [])
    assert errors_in(caplog) == [
        "version 1 cannot be loaded: bad protobuf",
        "no version can be loaded; waiting for one, until then the port is closed",
    ]


def test_what_fails_after_every_poll_is_told_once_and_versions_are_followed_on(monkeypatch, caplog):
    monkeypatch.setattr(version_polling, "POLL_SECONDS", 0)
    listed, polls = [1], []

    async def fail() -> None:
        polls.append(len(polls))
        raise PermissionError("shadow/shapes.json")

    async def run() -> list[int]:
        versions = LoadedVersions(lambda: listed, lambda number: Model())
        polling = VersionPolling(versions, fail)
        await polling.start()
        listed.append(2)
        before = len(polls)
        while len(polls) < before + 3:
            await asyncio.sleep(0.001)
        await polling.stop(0)
        return list(versions.loaded())

    assert asyncio.run(asyncio.wait_for(run(), 10)) == [2, 1]
    problem = "what follows the versions has failed: PermissionError: shadow/shapes.json"
    assert errors_in(caplog) == [problem]

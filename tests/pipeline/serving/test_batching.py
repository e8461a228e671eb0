"""Joined calls of models that are no TensorFlow."""

import asyncio
import threading

import numpy as np
import pytest

from pipeline.serving.batching import Batcher
from pipeline.serving.protocol.request_errors import RefusedError
from pipeline.serving.protocol.request_images import Contents

MAX_VALUES, MAX_PIXELS = 4, 100


class Echo:
    """Answers each value with itself, when it is allowed to."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.go = threading.Event()
        self.started = threading.Event()

    def call(self, signature, values):
        self.calls.append(values)
        self.started.set()
        assert self.go.wait(10)
        if b"bad" in values:
            raise RefusedError("bad is in it")
        if b"broken" in values:
            raise RuntimeError("broken is in it")
        return {"out": np.array(values, object)}


def answers(*requests, busy_with=b"first"):
    """What the requests that arrive during a call are answered, in order, and the calls."""

    async def run():
        model, sizes = Echo(), []
        batcher = Batcher(MAX_VALUES, MAX_PIXELS, sizes.append)
        busy = asyncio.create_task(batcher.ask(model, "s", Contents([busy_with], 1)))
        await asyncio.to_thread(model.started.wait, 10)
        tasks = []
        for values, pixels, signature in requests:
            asked = batcher.ask(model, signature, Contents(values, pixels))
            tasks.append(asyncio.create_task(asked))
        await asyncio.sleep(0)
        model.go.set()
        done = await asyncio.gather(busy, *tasks, return_exceptions=True)
        assert sizes == [len(values) for values in model.calls]
        return [one if isinstance(one, Exception) else list(one["out"]) for one in done[1:]], model

    given, model = asyncio.run(run())
    return given, model.calls[1:]


def test_requests_that_arrive_during_a_call_share_the_next_and_get_their_own_answers():
    given, calls = answers(([b"a"], 1, "s"), ([b"b", b"c"], 1, "s"), ([b"d"], 1, "s"))
    assert calls == [[b"a", b"b", b"c", b"d"]]
    assert given == [[b"a"], [b"b", b"c"], [b"d"]]


def test_a_call_holds_no_more_values_than_the_limit_and_no_request_is_split():
    _, calls = answers(([b"a"] * 3, 1, "s"), ([b"b"] * 2, 1, "s"), ([b"c"], 1, "s"))
    assert calls == [[b"a", b"a", b"a", b"c"], [b"b", b"b"]]


def test_a_call_holds_no_more_pixels_than_the_limit():
    _, calls = answers(([b"a"], 60, "s"), ([b"b"], 60, "s"), ([b"c"], 40, "s"))
    assert calls == [[b"a", b"c"], [b"b"]]


def test_signatures_are_not_mixed():
    _, calls = answers(([b"a"], 1, "s"), ([b"b"], 1, "t"), ([b"c"], 1, "s"))
    assert calls == [[b"a", b"c"], [b"b"]]


def test_only_the_request_with_the_bad_value_is_refused():
    given, _ = answers(([b"a"], 1, "s"), ([b"bad"], 1, "s"), ([b"c"], 1, "s"))
    assert given[0] == [b"a"]
    assert isinstance(given[1], RefusedError)
    assert given[2] == [b"c"]


def test_after_an_error_the_next_requests_are_answered():
    given, calls = answers(([b"broken"] * 4, 1, "s"), ([b"b"] * 4, 1, "s"))
    assert isinstance(given[0], RuntimeError)
    assert given[1] == [b"b"] * 4
    assert len(calls) == 2


def test_versions_are_not_mixed():
    async def run():
        one, other = Echo(), Echo()
        one.go.set()
        other.go.set()
        batcher = Batcher(MAX_VALUES, MAX_PIXELS)
        asked = [batcher.ask(model, "s", Contents([b"a"], 1)) for model in (one, other, one, other)]
        await asyncio.gather(*asked)
        return one, other

    one, other = asyncio.run(run())
    assert sum(map(len, one.calls)) == sum(map(len, other.calls)) == 2


@pytest.mark.parametrize("gone", [b"gone", b"bad", b"broken"])
def test_a_client_that_left_does_not_stop_the_batcher(gone):
    async def run():
        model = Echo()
        batcher = Batcher(MAX_VALUES, MAX_PIXELS)
        asked = [
            asyncio.create_task(batcher.ask(model, "s", Contents([value], 1)))
            for value in (b"first", gone, b"stays")
        ]
        await asyncio.to_thread(model.started.wait, 10)
        asked[1].cancel()
        model.go.set()
        with pytest.raises(asyncio.CancelledError):
            await asked[1]
        if gone != b"broken":
            assert list((await asked[2])["out"]) == [b"stays"]
        return list((await batcher.ask(model, "s", Contents([b"next"], 1)))["out"])

    assert asyncio.run(run()) == [b"next"]

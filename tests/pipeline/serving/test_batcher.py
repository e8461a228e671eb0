"""Batches of models that need no TensorFlow."""

import asyncio
import threading

import numpy as np
import pytest

from pipeline.serving.batcher import Batcher
from pipeline.serving.protocol.request_errors import UnreadableInputError
from pipeline.serving.protocol.request_images import RequestImages

MAX_INSTANCES, MAX_PIXELS = 4, 100


class EchoModel:
    """A model whose outputs are its instances; it returns when `go` is set."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []
        self.go = threading.Event()
        self.started = threading.Event()

    def call(self, signature, instances):
        self.calls.append(instances)
        self.started.set()
        assert self.go.wait(10)
        if b"bad" in instances:
            raise UnreadableInputError("bad is in it")
        if b"broken" in instances:
            raise RuntimeError("broken is in it")
        return {"out": np.array(instances, object)}


def run_requests(*requests):
    """Send requests (instances, pixels, signature) while the model is busy with another one.

    Returns:
        The outputs or the error of every request, and the instances of every later call.
    """

    async def run():
        model, sizes = EchoModel(), []
        batcher = Batcher(MAX_INSTANCES, MAX_PIXELS, sizes.append)
        busy = asyncio.create_task(batcher.call(model, "s", RequestImages([b"first"], 1)))
        await asyncio.to_thread(model.started.wait, 10)
        tasks = []
        for instances, pixels, signature in requests:
            call = batcher.call(model, signature, RequestImages(instances, pixels))
            tasks.append(asyncio.create_task(call))
        await asyncio.sleep(0)  # lets the tasks start
        model.go.set()
        results = await asyncio.gather(busy, *tasks, return_exceptions=True)
        assert sizes == [len(instances) for instances in model.calls]
        outputs = [one if isinstance(one, Exception) else list(one["out"]) for one in results]
        return outputs[1:], model.calls[1:]

    return asyncio.run(run())


def test_requests_that_arrive_during_a_call_share_the_next_batch_and_get_their_own_outputs():
    outputs, calls = run_requests(([b"a"], 1, "s"), ([b"b", b"c"], 1, "s"), ([b"d"], 1, "s"))
    assert calls == [[b"a", b"b", b"c", b"d"]]
    assert outputs == [[b"a"], [b"b", b"c"], [b"d"]]


def test_a_batch_holds_no_more_instances_than_the_limit_and_no_request_is_split():
    _, calls = run_requests(([b"a"] * 3, 1, "s"), ([b"b"] * 2, 1, "s"), ([b"c"], 1, "s"))
    assert calls == [[b"a", b"a", b"a", b"c"], [b"b", b"b"]]


def test_a_batch_holds_no_more_pixels_than_the_limit():
    _, calls = run_requests(([b"a"], 60, "s"), ([b"b"], 60, "s"), ([b"c"], 40, "s"))
    assert calls == [[b"a", b"c"], [b"b"]]


def test_signatures_are_not_mixed():
    _, calls = run_requests(([b"a"], 1, "s"), ([b"b"], 1, "t"), ([b"c"], 1, "s"))
    assert calls == [[b"a", b"c"], [b"b"]]


def test_only_the_request_with_the_bad_instance_fails():
    outputs, _ = run_requests(([b"a"], 1, "s"), ([b"bad"], 1, "s"), ([b"c"], 1, "s"))
    assert outputs[0] == [b"a"]
    assert isinstance(outputs[1], UnreadableInputError)
    assert outputs[2] == [b"c"]


def test_after_an_error_the_next_requests_get_outputs():
    outputs, calls = run_requests(([b"broken"] * 4, 1, "s"), ([b"b"] * 4, 1, "s"))
    assert isinstance(outputs[0], RuntimeError)
    assert outputs[1] == [b"b"] * 4
    assert len(calls) == 2


def test_versions_are_not_mixed():
    async def run():
        one, other = EchoModel(), EchoModel()
        one.go.set()
        other.go.set()
        batcher = Batcher(MAX_INSTANCES, MAX_PIXELS)
        calls = [
            batcher.call(model, "s", RequestImages([b"a"], 1)) for model in (one, other, one, other)
        ]
        await asyncio.gather(*calls)
        return one, other

    one, other = asyncio.run(run())
    assert sum(map(len, one.calls)) == sum(map(len, other.calls)) == 2


@pytest.mark.parametrize("gone", [b"gone", b"bad", b"broken"])
def test_a_client_that_disconnects_does_not_stop_the_batcher(gone):
    async def run():
        model = EchoModel()
        batcher = Batcher(MAX_INSTANCES, MAX_PIXELS)
        calls = [
            asyncio.create_task(batcher.call(model, "s", RequestImages([instance], 1)))
            for instance in (b"first", gone, b"stays")
        ]
        await asyncio.to_thread(model.started.wait, 10)
        calls[1].cancel()
        model.go.set()
        with pytest.raises(asyncio.CancelledError):
            await calls[1]
        if gone != b"broken":
            assert list((await calls[2])["out"]) == [b"stays"]
        return list((await batcher.call(model, "s", RequestImages([b"next"], 1)))["out"])

    assert asyncio.run(run()) == [b"next"]

"""Batches of models that need no TensorFlow."""

import asyncio
import threading
import time

import numpy as np
import pytest

from pipeline.serving import batcher
from pipeline.serving.batch_limits import BatchLimits
from pipeline.serving.batcher import Batcher
from pipeline.serving.decoding.decoding_cost import DecodingCost
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.web.request_errors import RequestError, UnreadableInputError

LIMITS = BatchLimits(instances=4, pixels=100, scanned_pixels=1000)


def images(instances, pixels=1, scans=1, memory=0):
    """Instances whose first one has all the cost."""
    first = DecodingCost(pixels, pixels * scans, memory)
    return RequestImages(instances, [first] + [DecodingCost()] * (len(instances) - 1))


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
        batcher = Batcher(MemoryBudget(1000), LIMITS, sizes.append)
        busy = asyncio.create_task(batcher.call(model, "s", images([b"first"])))
        await asyncio.to_thread(model.started.wait, 10)
        tasks = []
        for instances, pixels, signature in requests:
            call = batcher.call(model, signature, images(instances, pixels))
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
        batcher = Batcher(MemoryBudget(1000), LIMITS)
        calls = [batcher.call(model, "s", images([b"a"])) for model in (one, other, one, other)]
        await asyncio.gather(*calls)
        return one, other

    one, other = asyncio.run(run())
    assert sum(map(len, one.calls)) == sum(map(len, other.calls)) == 2


@pytest.mark.parametrize("gone", [b"gone", b"bad", b"broken"])
def test_a_client_that_disconnects_does_not_stop_the_batcher(gone):
    async def run():
        model = EchoModel()
        batcher = Batcher(MemoryBudget(1000), LIMITS)
        calls = [
            asyncio.create_task(batcher.call(model, "s", images([instance])))
            for instance in (b"first", gone, b"stays")
        ]
        await asyncio.to_thread(model.started.wait, 10)
        calls[1].cancel()
        model.go.set()
        with pytest.raises(asyncio.CancelledError):
            await calls[1]
        if gone != b"broken":
            assert list((await calls[2])["out"]) == [b"stays"]
        return list((await batcher.call(model, "s", images([b"next"])))["out"])

    assert asyncio.run(run()) == [b"next"]


class Busy:
    """A batcher whose thread for usual requests is busy until the end of the block."""

    def __init__(self, budget=None):
        self.budget = budget or MemoryBudget(1000)
        self.batcher, self.model, self.echo = Batcher(self.budget, LIMITS), EchoModel(), EchoModel()
        self.echo.go.set()

    async def __aenter__(self):
        self.task = asyncio.create_task(self.batcher.call(self.model, "s", images([b"first"])))
        await asyncio.to_thread(self.model.started.wait, 10)
        return self

    async def __aexit__(self, *_):
        self.model.go.set()
        await self.task

    async def call(self, *arguments, **options):
        return list((await self.batcher.call(self.echo, "s", images(*arguments, **options)))["out"])


@pytest.mark.parametrize(
    ("instances", "cost"),
    [
        ([b"a"], {"pixels": 101}),
        ([b"a"], {"pixels": 100, "scans": 11}),
        ([b"a", b"b", b"c", b"d", b"e"], {}),
    ],
)
def test_a_large_request_is_called_in_parts_in_a_thread_of_its_own(instances, cost):
    async def run():
        async with Busy() as busy:
            assert await busy.call(instances, **cost) == instances
            return busy.echo.calls

    assert all(len(part) <= LIMITS.instances for part in asyncio.run(run()))


def test_a_part_of_a_large_request_waits_until_no_usual_request_runs(monkeypatch):
    monkeypatch.setattr(batcher, "IDLE_SECONDS", 0.001)

    async def run():
        async with Busy() as busy:
            busy.batcher._large._part_seconds = 3600.0  # so that the wait has no end of its own
            task = asyncio.create_task(busy.call([b"a"], pixels=101))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 0.05)
            assert busy.echo.calls == []
            busy.model.go.set()
            assert await asyncio.wait_for(task, 10) == [b"a"]

    asyncio.run(run())


def test_a_part_of_a_large_request_waits_until_no_usual_request_is_prepared(monkeypatch):
    monkeypatch.setattr(batcher, "IDLE_SECONDS", 0.001)

    async def run():
        model, requests = EchoModel(), Batcher(MemoryBudget(1000), LIMITS)
        model.go.set()
        requests._large._part_seconds = 3600.0  # so that the wait has no end of its own
        with requests.expect_usual(), requests.expect_usual():
            task = asyncio.create_task(requests.call(model, "s", images([b"a"], pixels=101)))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 0.05)
            assert model.calls == []
        assert list((await asyncio.wait_for(task, 10))["out"]) == [b"a"]

    asyncio.run(run())


def test_a_part_waits_for_usual_requests_no_longer_than_a_multiple_of_the_part_before_it():
    async def run():
        async with Busy() as busy:
            busy.batcher._large._part_seconds = 0.01
            assert await asyncio.wait_for(busy.call([b"a"], pixels=101), 10) == [b"a"]

    asyncio.run(run())


def test_a_part_has_fewer_instances_than_a_call_of_usual_requests():
    assert BatchLimits().of_part().instances < BatchLimits().instances
    assert BatchLimits(instances=32, part_instances=8).of_part().instances == 8
    assert BatchLimits(instances=4, part_instances=8).of_part().instances == 4


def test_the_parts_hold_as_much_as_the_limits_allow():
    pixels = [60, 40, 1, 150, 30, 30, 30, 30]
    instances = [bytes([number]) for number in range(len(pixels))]
    costs = [DecodingCost(one, one) for one in pixels]

    async def run():
        model = EchoModel()
        model.go.set()
        batcher = Batcher(MemoryBudget(1000), LIMITS)
        outputs = await batcher.call(model, "s", RequestImages(instances, costs))
        assert list(outputs["out"]) == instances
        return [[pixels[one[0]] for one in part] for part in model.calls]

    assert asyncio.run(run()) == [[60, 40], [1], [150], [30, 30, 30], [30]]


def test_the_memory_of_a_call_is_taken_while_it_runs():
    async def run():
        budget = MemoryBudget(1000)
        model, batcher = EchoModel(), Batcher(budget, LIMITS)
        task = asyncio.create_task(batcher.call(model, "s", images([b"a"], memory=400)))
        await asyncio.to_thread(model.started.wait, 10)
        assert budget.used == 400
        model.go.set()
        await task
        assert budget.used == 0

    asyncio.run(run())


def test_a_request_that_needs_too_much_memory_is_refused_and_the_next_is_called():
    async def run():
        async with Busy() as busy:
            with pytest.raises(RequestError) as error:
                await busy.call([b"a"], pixels=101, memory=501)
            assert error.value.status == 413
            assert await busy.call([b"b"], pixels=101, memory=500) == [b"b"]

    asyncio.run(run())


def test_a_request_whose_client_disconnects_leaves_the_queue():
    async def run():
        async with Busy() as busy:
            task = asyncio.create_task(busy.call([b"gone"]))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert busy.batcher._usual._queue == []
        return busy.echo.calls

    assert asyncio.run(run()) == []


def test_what_a_version_predicts_in_shadow_waits_until_no_request_runs(monkeypatch):
    monkeypatch.setattr(batcher, "IDLE_SECONDS", 0.001)

    async def run():
        async with Busy() as busy:
            shadow = EchoModel()
            shadow.go.set()
            busy.batcher._shadow._part_seconds = 3600.0  # so that the wait has no end of its own
            task = asyncio.create_task(busy.batcher.call_in_shadow(shadow, "s", images([b"a"])))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 0.05)
            assert shadow.calls == []
            busy.model.go.set()
            assert list((await asyncio.wait_for(task, 10))["out"]) == [b"a"]

    asyncio.run(run())


def test_under_steady_load_a_version_in_shadow_gets_a_small_share_of_the_time():
    async def run():
        async with Busy() as busy:
            shadow = EchoModel()
            shadow.go.set()
            busy.batcher._shadow._part_seconds = 0.01
            started = time.monotonic()
            await asyncio.wait_for(busy.batcher.call_in_shadow(shadow, "s", images([b"a"])), 10)
            return time.monotonic() - started

    assert asyncio.run(run()) >= 0.01 * batcher.SHADOW_PAUSE


def test_what_runs_in_shadow_is_no_batch_of_requests():
    sizes = []

    async def run():
        model, calls = EchoModel(), Batcher(MemoryBudget(1000), LIMITS, sizes.append)
        model.go.set()
        await calls.call_in_shadow(model, "s", images([b"a"]))
        await calls.call(model, "s", images([b"a", b"b"]))

    asyncio.run(run())
    assert sizes == [2]

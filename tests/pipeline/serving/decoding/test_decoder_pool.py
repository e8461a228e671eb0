"""Decoder processes within the memory of all requests."""

import asyncio

import pytest
from costly_pictures import large
from tiny_pictures import solid

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.serving.decoding import decoder_pool
from pipeline.serving.decoding.decoder_pool import DecoderPool, run_to_end
from pipeline.serving.decoding.decoder_program import Reply, Status, memory_for
from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.web.request_errors import RequestError

GIB = 2**30


class Decoder:
    """In place of a process: notes how many pixels it was allowed, and the memory in use."""

    def __init__(self, budget: MemoryBudget, most: int):
        self.jobs, self.budget, self.most = [], budget, most
        self.thread = None

    def prepare(self, content, max_pixels, rewrite):
        self.jobs.append((max_pixels, self.budget.used))
        if self.most > max_pixels:
            return Reply(Status.TOO_LARGE)
        return Reply(Status.PREPARED, self.most, b"png")


def run(total: int, num_pixels: int) -> tuple[tuple[bytes, int], list[tuple[int, int]]]:
    budget = MemoryBudget(total)
    pool = DecoderPool(budget)
    decoder = Decoder(budget, num_pixels)
    pool._small.process = pool._large.process = decoder
    return asyncio.run(pool.prepare(b"file", False)), decoder.jobs


def test_a_small_picture_takes_the_memory_of_a_small_one():
    result, jobs = run(4 * GIB, 16_000_000)
    assert result == (b"png", 16_000_000)
    assert jobs == [(16_000_000, memory_for(16_000_000, 4))]


def test_a_large_picture_is_passed_on_to_the_other_process():
    result, jobs = run(4 * GIB, 16_000_001)
    assert result == (b"png", 16_000_001)
    assert jobs[1] == (52_000_000, memory_for(52_000_000, 4))


def test_the_limit_of_pixels_follows_from_little_memory():
    assert DecoderPool(MemoryBudget(4 * GIB)).max_pixels(0) == 52_000_000
    assert DecoderPool(MemoryBudget(GIB)).max_pixels(0) == 20_132_659
    assert DecoderPool(MemoryBudget(GIB // 4)).max_pixels(0) == 4_026_531
    assert DecoderPool(MemoryBudget(GIB // 4)).max_pixels(30 * 2**20) == 0
    with pytest.raises(UnusablePictureError, match="too many pixels: the limit is 20,132,658"):
        run(GIB, 20_132_659)


def test_a_picture_waits_only_briefly_for_a_busy_process(monkeypatch):
    monkeypatch.setattr(decoder_pool, "WAIT_SECONDS", 0.01)
    pool = DecoderPool(MemoryBudget(GIB))

    async def call() -> None:
        async with pool._small.lock:
            await pool.prepare(b"file", False)

    with pytest.raises(RequestError) as error:
        asyncio.run(call())
    assert (error.value.status, error.value.message) == (503, "the decoders are busy: try again")


def test_real_processes_prepare_and_refuse():
    pool = DecoderPool(MemoryBudget(GIB // 4))
    try:

        async def call(content: bytes) -> tuple[bytes, int]:
            return await pool.prepare(content, False)

        assert asyncio.run(call(solid("red", form="WEBP")))[0].startswith(b"\x89PNG")
        with pytest.raises(UnusablePictureError, match="too many pixels: the limit is 4,02"):
            asyncio.run(call(large("WEBP", 2_100)))
    finally:
        pool.stop()


def test_work_is_not_cancelled_with_its_caller():
    async def run_and_cancel() -> bool:
        done, may_end = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            await may_end.wait()
            done.set()

        task = asyncio.create_task(run_to_end(work()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_end.set()
        await asyncio.wait_for(done.wait(), 10)
        return done.is_set()

    assert asyncio.run(run_and_cancel())


def test_a_process_that_is_started_ahead_prepares_the_first_picture():
    pool = DecoderPool(MemoryBudget(4 * GIB))
    process = pool._small.process
    try:
        pool.start()
        process.thread.submit(lambda: None).result()  # it has decoded its own picture
        started = process._process.pid
        asyncio.run(pool.prepare(solid("red", form="GIF"), rewrite=False))
        assert process._process.pid == started
    finally:
        pool.stop()

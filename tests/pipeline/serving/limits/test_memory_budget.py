"""Memory that requests take together."""

import asyncio

import pytest

from pipeline.serving.limits import memory_budget
from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.web.request_errors import RequestError

MIB = 2**20


def test_a_request_frees_all_that_it_keeps():
    budget = MemoryBudget(100)
    with RequestMemory(budget) as memory:
        memory.keep(30)
        memory.keep(20)
        memory.free(10)
        assert budget.used == 40
    assert budget.used == 0


def test_requests_keep_at_most_half_of_the_memory_together():
    budget = MemoryBudget(100)
    with RequestMemory(budget) as one, RequestMemory(budget) as other:
        one.keep(30)
        with pytest.raises(RequestError) as error:
            other.keep(21)
        assert error.value.status == 503
        other.keep(20)
        assert budget.used == 50


def test_what_never_fits_is_refused_for_good():
    budget = MemoryBudget(100 * MIB)
    with RequestMemory(budget) as memory, pytest.raises(RequestError) as error:
        memory.keep(51 * MIB)
    assert error.value.status == 413
    assert error.value.message == "the request needs 51 MiB of memory; the limit is 50 MiB"

    async def work() -> None:
        async with budget.work(51 * MIB, "decoding a picture"):
            pass

    with pytest.raises(RequestError) as error:
        asyncio.run(work())
    assert error.value.status == 413
    assert error.value.message == "decoding a picture needs 51 MiB of memory; the limit is 50 MiB"


def test_work_waits_for_memory_and_small_work_does_not_wait_for_large_work():
    async def run() -> list[str]:
        budget, done = MemoryBudget(100), []

        async def work(name: str, size: int, until: asyncio.Event) -> None:
            async with budget.work(size, name):
                done.append(name)
                await until.wait()

        first_may_end, now = asyncio.Event(), asyncio.Event()
        now.set()
        tasks = [asyncio.create_task(work("first", 50, first_may_end))]
        tasks += [asyncio.create_task(work("second", 40, first_may_end))]
        tasks += [asyncio.create_task(work("large", 50, now))]
        tasks += [asyncio.create_task(work("small", 10, now))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert done == ["first", "second", "small"]
        first_may_end.set()
        await asyncio.gather(*tasks)
        assert budget.used == 0
        return done

    assert asyncio.run(run())[-1] == "large"


def test_work_that_waits_too_long_is_refused_for_now(monkeypatch):
    monkeypatch.setattr(memory_budget, "WAIT_SECONDS", 0.01)

    async def run() -> MemoryBudget:
        budget = MemoryBudget(100)
        async with budget.work(50, "one"), budget.work(50, "other"):
            with pytest.raises(RequestError) as error:
                async with budget.work(1, "third"):
                    pass
            assert error.value.status == 503
            assert "try again" in error.value.message
        return budget

    assert asyncio.run(run()).used == 0


def test_work_whose_client_disconnects_while_it_waits_takes_nothing():
    async def run() -> int:
        budget = MemoryBudget(100)

        async def work() -> None:
            async with budget.work(50, "waiting"):
                pass

        async with budget.work(50, "one"), budget.work(50, "other"):
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return budget.used

    assert asyncio.run(run()) == 0

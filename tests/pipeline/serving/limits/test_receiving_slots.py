"""Messages that are received at a time."""

import asyncio

import pytest

from pipeline.serving.limits import receiving_slots
from pipeline.serving.limits.receiving_slots import ReceivingSlots
from pipeline.web.request_errors import RequestError


async def arrived() -> bytes:
    return b"message"


async def never() -> bytes:
    await asyncio.sleep(60)
    raise AssertionError


async def status_of(receiving) -> int:
    try:
        await receiving
    except RequestError as error:
        return error.status
    return 200


def test_as_many_messages_are_received_as_the_memory_allows():
    numbers = [ReceivingSlots.within(size).number for size in (2**28, 2**30, 2**32)]
    assert numbers == [1, 4, 16]


def test_a_message_is_received_and_its_slot_is_free_again():
    async def run() -> list[bytes]:
        slots = ReceivingSlots(1)
        return [await slots.receive(arrived) for _ in range(3)]

    assert asyncio.run(run()) == [b"message"] * 3


def test_a_slow_client_makes_room_for_one_that_waits(monkeypatch):
    monkeypatch.setattr(receiving_slots, "PATIENT_SECONDS", 0.2)

    async def run() -> list[int]:
        slots = ReceivingSlots(1)
        slow = asyncio.create_task(status_of(slots.receive(never)))
        await asyncio.sleep(0)
        return [await status_of(slots.receive(arrived)), await slow]

    assert asyncio.run(run()) == [200, 408]


def test_a_message_that_never_comes_is_given_up():
    slots = ReceivingSlots(1, max_seconds=0.1)
    assert asyncio.run(status_of(slots.receive(never))) == 408


def test_one_that_gets_no_slot_in_time_may_try_again(monkeypatch):
    monkeypatch.setattr(receiving_slots, "WAIT_SECONDS", 0.1)

    async def run() -> int:
        slots = ReceivingSlots(1)
        slow = asyncio.create_task(slots.receive(never))
        await asyncio.sleep(0)
        status = await status_of(slots.receive(arrived))
        slow.cancel()
        return status

    assert asyncio.run(run()) == 503


@pytest.mark.parametrize("number", [1, 3])
def test_a_cancelled_call_leaves_its_slot(number):
    async def run() -> bytes:
        slots = ReceivingSlots(number)
        for _ in range(5):
            task = asyncio.create_task(slots.receive(never))
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return await slots.receive(arrived)

    assert asyncio.run(run()) == b"message"

"""Bodies are read within limits of size, time and memory."""

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from pipeline.serving.limits import request_body
from pipeline.serving.limits.body_pace import BodyPace
from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.limits.request_body import read_body
from pipeline.web.request_errors import RequestError


def read(
    *messages: dict[str, Any], length: int | None = None, budget: MemoryBudget | None = None
) -> bytes:
    """Read a body that arrives as ASGI messages; after the last one nothing arrives."""
    remaining = list(messages)

    async def receive() -> dict[str, Any]:
        if not remaining:
            await asyncio.Event().wait()
        return remaining.pop(0)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    request = Request({"type": "http", "headers": headers}, receive)

    async def run() -> bytes:
        with RequestMemory(budget or MemoryBudget(2**30)) as memory:
            return bytes(await read_body(request, memory, BodyPace()))

    return asyncio.run(run())


def part(content: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def test_a_body_is_joined_from_its_parts():
    assert read(part(b"ab"), part(b""), part(b"c", more=False)) == b"abc"


def test_a_body_that_is_announced_as_too_large_is_not_read():
    with pytest.raises(RequestError, match="larger than 33554432 bytes") as refused:
        read(length=2**25 + 1)
    assert refused.value.status == 413


def test_a_body_that_turns_out_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(request_body, "MAX_BODY", 5)
    assert read(part(b"abc"), part(b"de", more=False)) == b"abcde"
    with pytest.raises(RequestError) as refused:
        read(part(b"abc"), part(b"def"))
    assert refused.value.status == 413


@pytest.mark.parametrize("size", [3, 1_000_000])
def test_a_body_that_stops_is_refused_however_fast_it_began(monkeypatch, size):
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.05)
    with pytest.raises(RequestError, match=f"too slowly: {size} bytes in 0 seconds") as refused:
        read(part(bytes(size)))
    assert refused.value.status == 408


@pytest.mark.parametrize(
    ("num_bytes", "seconds", "is_in_time"),
    [(100, 1.0, True), (200, 1.9, True), (1, 0.1, False), (90, 1.0, False)],
)
def test_a_body_may_take_long_but_not_fall_behind_the_lowest_rate(
    monkeypatch, num_bytes, seconds, is_in_time
):
    monkeypatch.setattr(request_body, "MIN_RATE", 100)
    now = 0.0

    async def receive() -> dict[str, Any]:
        nonlocal now
        now += seconds
        return part(bytes(num_bytes), more=now < 200)

    monkeypatch.setattr(request_body, "monotonic", lambda: now)
    request = Request({"type": "http", "headers": []}, receive)
    with RequestMemory(MemoryBudget(2**30)) as memory:
        if is_in_time:
            assert len(asyncio.run(read_body(request, memory, BodyPace()))) >= 10_000
        else:
            with pytest.raises(RequestError, match="too slowly"):
                asyncio.run(read_body(request, memory, BodyPace()))


def test_the_memory_of_a_body_is_counted_as_it_arrives():
    with pytest.raises(RequestError, match="memory") as refused:
        read(part(bytes(600)), budget=MemoryBudget(1000))
    assert refused.value.status == 413
    budget = MemoryBudget(1000)
    assert budget.keep(300)
    with pytest.raises(RequestError) as refused:
        read(part(bytes(150)), part(bytes(150)), budget=budget)
    assert refused.value.status == 503
    assert budget.used == 300  # what the request took is free again


def test_a_client_that_disconnects_ends_the_request():
    with pytest.raises(ClientDisconnect):
        read(part(b"abc"), {"type": "http.disconnect"})


def test_a_client_is_not_blamed_for_the_pace_of_large_bodies(monkeypatch):
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(request_body, "UNPACED", 0)

    async def run() -> bytes:
        parts = [part(b"abc"), part(b"d", more=False)]

        async def receive() -> dict[str, Any]:
            return parts.pop(0)

        request = Request({"type": "http", "headers": []}, receive)
        with RequestMemory(MemoryBudget(2**30)) as memory:
            return bytes(await read_body(request, memory, BodyPace(rate=30)))  # 0.1 seconds

    assert asyncio.run(run()) == b"abcd"

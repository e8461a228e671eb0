"""How long a client may take for its response."""

import asyncio
from typing import cast

import pytest

from pipeline.serving.limits import closing_transport
from pipeline.serving.limits.closing_transport import ClosingTransport


class Transport:
    """A transport whose client takes what a test says."""

    def __init__(self) -> None:
        self.num_unsent = 0
        self.calls: list[str] = []

    def write(self, data: bytes) -> None:
        self.num_unsent += len(data)

    def get_write_buffer_size(self) -> int:
        return self.num_unsent

    def is_closing(self) -> bool:
        return "close" in self.calls

    def can_write_eof(self) -> bool:
        return True

    def __getattr__(self, name: str) -> object:
        return lambda: self.calls.append(name)


class Clock:
    """The time, as a test says."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(closing_transport, "time", clock)
    return clock


def wrapped(inner: Transport, is_receiving: bool = False) -> ClosingTransport:
    return ClosingTransport(
        cast(asyncio.Transport, inner), lambda: is_receiving, lambda: inner.calls.append("on_close")
    )


def left(transport: ClosingTransport) -> float:
    """Return the seconds left at 100 bytes per second, with 10 seconds to fall behind."""
    return transport.seconds_left(10, 100)


def test_a_client_that_takes_nothing_has_the_time_to_fall_behind(clock):
    transport = wrapped(Transport())
    transport.write(bytes(5_000))
    assert left(transport) == 10
    clock.now += 9
    assert left(transport) == 1
    transport.write(bytes(5_000))
    clock.now += 2
    assert left(transport) == -1


def test_a_client_that_takes_data_at_the_lowest_rate_is_never_late(clock):
    inner = Transport()
    transport = wrapped(inner)
    transport.write(bytes(5_000))
    assert left(transport) == 10
    for _ in range(40):
        clock.now += 1
        inner.num_unsent -= 100
        assert left(transport) == 10


def test_what_a_client_took_early_gives_it_no_more_time(clock):
    inner = Transport()
    transport = wrapped(inner)
    transport.write(bytes(50_000))
    left(transport)
    clock.now += 1
    inner.num_unsent -= 40_000
    assert left(transport) == 10


def test_the_time_begins_anew_when_a_client_has_taken_everything(clock):
    inner = Transport()
    transport = wrapped(inner)
    transport.write(bytes(10))
    left(transport)
    inner.num_unsent = 0
    clock.now += 60
    transport.write(bytes(10))
    assert left(transport) == 10


@pytest.mark.parametrize(
    ("is_receiving", "calls"),
    [(False, ["close", "on_close"]), (True, ["write_eof", "resume_reading", "on_close"])],
)
def test_a_client_that_still_sends_is_not_cut_off(is_receiving, calls):
    inner = Transport()
    transport = wrapped(inner, is_receiving)
    transport.close()
    transport.close()
    transport.write(b"late")
    assert transport.is_closing()
    assert inner.calls == calls
    assert inner.num_unsent == 0


@pytest.mark.parametrize("is_closed", [False, True])
def test_what_a_refused_client_still_sends_is_read_with_pauses(is_closed):
    async def run() -> list[str]:
        inner = Transport()
        transport = wrapped(inner, is_receiving=True)
        transport.close()
        inner.calls.clear()
        transport.pause_for(0)
        if is_closed:
            inner.close()
        await asyncio.sleep(0.01)
        transport.pause_for(0)
        return list(inner.calls)

    expected = ["pause_reading", "close"] if is_closed else ["pause_reading", "resume_reading"]
    assert asyncio.run(run()) == expected + ["pause_reading"] * (not is_closed)

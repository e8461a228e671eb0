import asyncio

import pytest

from pipeline.overview.kept_reading import KeptReading


class Readings:
    """A function to read with, which counts its calls, and waits until it may return."""

    def __init__(self) -> None:
        self.count, self.error = 0, False
        self.may_return = asyncio.Event()

    async def __call__(self) -> bytes:
        self.count += 1
        await self.may_return.wait()
        if self.error:
            raise OSError
        return str(self.count).encode()


def test_all_who_ask_at_a_time_get_one_reading():
    async def ask() -> tuple[list[bytes], int]:
        read = Readings()
        kept = KeptReading(read, 5)
        asking = [asyncio.create_task(kept.get()) for _ in range(3)]
        await asyncio.sleep(0)
        read.may_return.set()
        return await asyncio.gather(*asking), read.count

    assert asyncio.run(ask()) == ([b"1"] * 3, 1)


def test_a_reading_is_kept_for_some_seconds():
    async def ask() -> list[bytes]:
        read, now = Readings(), [0.0]
        read.may_return.set()
        kept = KeptReading(read, 5, lambda: now[0])
        contents = []
        for now[0] in (0.0, 4.9, 5.0, 9.9):
            contents.append(await kept.get())
        return contents

    assert asyncio.run(ask()) == [b"1", b"1", b"2", b"2"]


def test_a_client_that_disconnects_takes_nothing_from_the_others():
    async def ask() -> tuple[bytes, int]:
        read = Readings()
        kept = KeptReading(read, 5)
        gone, other = (asyncio.create_task(kept.get()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        read.may_return.set()
        return await other, read.count

    assert asyncio.run(ask()) == (b"1", 1)


def test_a_reading_that_failed_is_not_kept():
    async def ask() -> bytes:
        read = Readings()
        read.may_return.set()
        read.error = True
        kept = KeptReading(read, 5)
        with pytest.raises(OSError):
            await kept.get()
        read.error = False
        return await kept.get()

    assert asyncio.run(ask()) == b"2"

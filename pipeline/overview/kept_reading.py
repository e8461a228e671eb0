"""Keeps what was read from the disk for some seconds, so that many pages read it once."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class KeptReading:
    """Content that is read when it is asked for, by one reader at a time.

    All methods are for the event loop.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read nothing yet.

        Args:
            read: Function that reads the content; it raises no error.
            seconds: Time after which the content is read again.
            clock: Function that returns the time, in seconds.
        """
        self._read, self._seconds, self._clock = read, seconds, clock
        self._reading: asyncio.Task[bytes] | None = None
        self._read_at = 0.0

    async def get(self) -> bytes:
        """Return the content. Whoever asks while it is being read waits for that reading."""
        if self._reading is None or self._is_old(self._reading):
            self._reading = asyncio.create_task(self._read_and_note())
        # One client that disconnects takes nothing from the others.
        return await asyncio.shield(self._reading)

    def _is_old(self, reading: "asyncio.Task[bytes]") -> bool:
        if not reading.done():
            return False
        has_failed = reading.cancelled() or reading.exception() is not None
        return has_failed or self._clock() - self._read_at >= self._seconds

    async def _read_and_note(self) -> bytes:
        content = await self._read()
        self._read_at = self._clock()
        return content

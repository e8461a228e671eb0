"""Paces at which large bodies, and the rests of refused requests, are read from all clients."""

import asyncio
import time

#: Bytes of a body that are read without waiting: more than a small picture has.
UNPACED = 256 * 2**10

#: Bytes per second of what is beyond that, in all bodies together. Reading takes about 5 ms of the
#: thread that serves all clients per MiB.
RATE = 16 * 2**20

#: Bytes per second of what refused clients still send, in all connections together. It is dropped,
#: which takes half a millisecond per MiB.
DROPPED_RATE = 64 * 2**20


class BodyPace:
    """Lets large bodies wait for each other, so that the server has time for small requests."""

    def __init__(self, rate: float = RATE) -> None:
        """Start without bodies.

        Args:
            rate: Bytes per second.
        """
        self._rate = rate
        self._next = 0.0

    async def wait(self, num_bytes: int) -> float:
        """Wait until further bytes of a large body may be read, and return the seconds.

        Args:
            num_bytes: Bytes that were read last.
        """
        now = time.monotonic()
        await asyncio.sleep(self.delay(num_bytes))
        return time.monotonic() - now

    def delay(self, num_bytes: int) -> float:
        """Return the seconds until further bytes may be read.

        Args:
            num_bytes: Bytes that were read last.
        """
        now = time.monotonic()
        self._next = max(self._next, now) + num_bytes / self._rate
        return self._next - now

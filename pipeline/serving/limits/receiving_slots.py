"""Messages that are received at a time, where nothing tells how much of them has arrived."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pipeline.serving.limits.memory_budget import WAIT_SECONDS
from pipeline.serving.limits.request_body import MAX_BODY
from pipeline.web.request_errors import RequestError

#: Share of the memory of all requests that messages take while they are received, beyond it.
RECEIVING_SHARE = 1 / 8

#: Seconds after which a client that still sends its message makes room for one that waits.
PATIENT_SECONDS = 3.0

#: Most seconds that a message may take if nobody waits.
MAX_SECONDS = 60.0

#: Seconds between two looks at whether others wait.
LOOK_SECONDS = 0.1

Message = TypeVar("Message")


class ReceivingSlots:
    """Lets few messages be received at a time, each of which takes up to `MAX_BODY` bytes.

    A message that has arrived is received at once. A client that sends slowly keeps its place
    while nobody waits for it.
    """

    def __init__(self, number: int, max_seconds: float = MAX_SECONDS) -> None:
        """Create free slots.

        Args:
            number: Number of messages at a time.
            max_seconds: Most seconds that a message may take.
        """
        self.number = number
        self._max_seconds = max_seconds
        self._free = asyncio.Semaphore(number)
        self._num_waiting = 0

    @classmethod
    def within(cls, num_bytes: int) -> "ReceivingSlots":
        """Return as many slots as `RECEIVING_SHARE` of the memory of all requests allows.

        Args:
            num_bytes: Memory of all requests.
        """
        return cls(max(1, int(num_bytes * RECEIVING_SHARE) // MAX_BODY))

    async def receive(self, read: Callable[[], Coroutine[Any, Any, Message]]) -> Message:
        """Receive a message as soon as there is a slot.

        Args:
            read: Function that receives the message.

        Raises:
            RequestError: It came too slowly (status 408), or there was no slot for a time (503).
        """
        self._num_waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), WAIT_SECONDS)
        except asyncio.TimeoutError:
            raise RequestError(503, "other requests are being received: try again") from None
        finally:
            self._num_waiting -= 1
        task = asyncio.create_task(read())
        try:
            return await self._wait(task)
        finally:
            task.cancel()
            self._free.release()

    async def _wait(self, task: "asyncio.Task[Message]") -> Message:
        started = time.monotonic()
        while True:
            done, _ = await asyncio.wait([task], timeout=LOOK_SECONDS)
            if done:
                return task.result()
            seconds = time.monotonic() - started
            limit = PATIENT_SECONDS if self._num_waiting else self._max_seconds
            if seconds > limit:
                raise RequestError(
                    408, f"the request came too slowly: it is not complete after {seconds:.0f} s"
                )

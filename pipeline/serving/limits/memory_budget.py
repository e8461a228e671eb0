"""Memory that all requests in flight may take together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from pipeline.web.request_errors import RequestError

#: Seconds that a request waits for memory before it gets status 503.
WAIT_SECONDS = 5.0

#: Share of the memory for what requests keep until their response. The other half is always left
#: for work, so that requests that wait for work cannot keep all memory from it.
KEPT_SHARE = 0.5


class MemoryBudget:
    """Counts the bytes that the requests in flight take, and refuses more than a total.

    Bytes are either kept until the response of a request (its body, and then its pictures), see
    `RequestMemory`, or needed for a piece of work (parsing, decoding), see `work`. It belongs to
    one event loop, and is not safe to use in other threads.
    """

    def __init__(self, total: int) -> None:
        """Start with nothing in use.

        Args:
            total: Most bytes of all requests in flight.
        """
        self.total = total
        self._kept = self._worked = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def used(self) -> int:
        """Bytes in use now."""
        return self._kept + self._worked

    @property
    def max_kept(self) -> int:
        """Most bytes that requests may keep until their responses."""
        return int(self.total * KEPT_SHARE)

    @property
    def max_work(self) -> int:
        """Most bytes for one piece of work."""
        return self.total - self.max_kept

    @contextlib.asynccontextmanager
    async def work(self, num_bytes: int, purpose: str) -> AsyncIterator[None]:
        """Reserve memory for a piece of work, and wait for it if need be.

        Small pieces of work are not held up by large ones that wait. A piece of work must not wait
        for another one.

        Args:
            num_bytes: Bytes to reserve.
            purpose: What the memory is for, for the error message: `decoding instance 3`.

        Raises:
            RequestError: There is no memory for it: status 413 if there never will be, status 503
                if there is none within `WAIT_SECONDS`.
        """
        if num_bytes > self.max_work:
            raise RequestError(
                413, f"{purpose} {_needs(num_bytes)} of memory; the limit is {_mib(self.max_work)}"
            )
        if self.used + num_bytes > self.total:
            await self._wait(num_bytes, purpose)
        else:
            self._worked += num_bytes
        try:
            yield
        finally:
            self._worked -= num_bytes
            self._wake()

    async def _wait(self, num_bytes: int, purpose: str) -> None:
        """Wait until memory is reserved."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (num_bytes, granted)
        self._waiting.append(waiting)
        try:
            await asyncio.wait_for(asyncio.shield(granted), WAIT_SECONDS)
        except asyncio.TimeoutError:
            self._withdraw(waiting)
            raise RequestError(
                503, f"{purpose} {_needs(num_bytes)} of memory, which others use now: try again"
            ) from None
        except BaseException:  # the client has disconnected
            self._withdraw(waiting)
            raise

    def _withdraw(self, waiting: tuple[int, "asyncio.Future[None]"]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting[1].done():  # it was granted at the same moment
            self._worked -= waiting[0]
            self._wake()

    def _wake(self) -> None:
        """Reserve memory for all that wait and fit, the oldest first."""
        left = []
        for num_bytes, granted in self._waiting:
            if self.used + num_bytes <= self.total:
                self._worked += num_bytes
                granted.set_result(None)
            else:
                left.append((num_bytes, granted))
        self._waiting = left

    def keep(self, num_bytes: int) -> bool:
        """Count bytes as kept, or as freed if negative; return whether there is room for them."""
        if num_bytes > 0 and (
            self._kept + num_bytes > self.max_kept or self.used + num_bytes > self.total
        ):
            return False
        self._kept += num_bytes
        if num_bytes < 0:
            self._wake()
        return True


class RequestMemory:
    """Memory that one request keeps until its response; a context manager that frees it all."""

    def __init__(self, budget: MemoryBudget) -> None:
        """Start with nothing.

        Args:
            budget: Budget that all requests share.
        """
        self.budget = budget
        self._kept = 0

    def __enter__(self) -> "RequestMemory":
        """Begin the request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free all that the request keeps."""
        self.free(self._kept)

    def keep(self, num_bytes: int) -> None:
        """Reserve memory until the end of the request, without waiting.

        Args:
            num_bytes: Further bytes to reserve.

        Raises:
            RequestError: There is no memory for it: status 413 if there never will be, status 503
                if others use it now.
        """
        if self._kept + num_bytes > self.budget.max_kept:
            raise RequestError(
                413,
                f"the request {_needs(self._kept + num_bytes)} of memory; the limit is "
                f"{_mib(self.budget.max_kept)}",
            )
        if not self.budget.keep(num_bytes):
            raise RequestError(503, "the server's memory is in use: try again")
        self._kept += num_bytes

    def free(self, num_bytes: int) -> None:
        """Free memory before the end of the request.

        Args:
            num_bytes: Bytes to free.
        """
        self.budget.keep(-num_bytes)
        self._kept -= num_bytes


def _needs(num_bytes: int) -> str:
    return f"needs {_mib(num_bytes)}"


def _mib(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:,.0f} MiB"

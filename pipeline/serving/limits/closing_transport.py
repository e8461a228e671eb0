"""Transport that lets a client see why its request is refused, and knows how fast it reads."""

import asyncio
import time
from collections.abc import Callable
from typing import Any


class ClosingTransport:
    """Transport whose `close` does not cut off a client that still sends.

    If a connection is closed before all that the client sent was read, the client's system drops
    the response. Here the client gets the response and the end of the stream, and whatever it
    still sends is read; the protocol closes the connection after some time.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        is_receiving: Callable[[], bool],
        on_close: Callable[[], None],
    ) -> None:
        """Wrap a transport.

        Args:
            transport: Transport of the connection.
            is_receiving: Function that returns whether the client has begun a request that is not
                complete.
            on_close: Function that is called by `close`.
        """
        self._transport = transport
        self._is_receiving, self._on_close = is_receiving, on_close
        self._is_closing = False
        self._deadline: float | None = None
        self._num_written = self._num_taken = 0

    def __getattr__(self, name: str) -> Any:
        """Return a member of the wrapped transport."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether the connection is closed, or `close` was called."""
        return self._is_closing or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send data, unless the connection is closed."""
        if self.is_closing():
            return
        if self._transport.get_write_buffer_size() == 0:
            self._deadline = None
        self._num_written += len(data)
        self._transport.write(data)

    def seconds_left(self, seconds: float, rate: float) -> float:
        """Return how long the client may take for the next data that it has not taken yet.

        Args:
            seconds: Time that a client may fall behind the rate.
            rate: Lowest rate in bytes per second at which a client may take data.
        """
        now, num_taken = time.monotonic(), self._num_written
        num_taken -= self._transport.get_write_buffer_size()
        latest = now + seconds
        if self._deadline is not None:
            latest = min(latest, self._deadline + (num_taken - self._num_taken) / rate)
        self._deadline, self._num_taken = latest, num_taken
        return latest - now

    def close(self) -> None:
        """Close the connection, or only the direction to the client if the client still sends."""
        if self.is_closing():
            return
        self._is_closing = True
        if self._is_receiving() and self._transport.can_write_eof():
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()
        self._on_close()

    def pause_for(self, seconds: float) -> None:
        """Read nothing for some time from a client that still sends after `close`.

        Args:
            seconds: Time to wait.
        """
        if not self._transport.is_closing():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._resume)

    def _resume(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()

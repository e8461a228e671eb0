"""Uvicorn with a deadline for its end, and another server beside it.

Uvicorn replaces the handlers of SIGTERM and SIGINT while it runs, and does not document
`handle_exit`, the method that it installs instead, nor `startup` and `shutdown`.
"""

import asyncio
import socket
from types import FrameType
from typing import Protocol

import uvicorn

from pipeline.serving.exit_deadline import ExitDeadline


class OtherServer(Protocol):
    """A server that runs in the same event loop, as `GrpcServer`."""

    async def start(self) -> None:
        """Listen and accept requests."""

    async def stop(self, seconds: float) -> None:
        """Accept no more requests, and complete the open ones.

        Args:
            seconds: Time after which those that are still open are ended.
        """


class DrainingServer(uvicorn.Server):
    """Server that has ended some time after SIGTERM or Ctrl-C, whatever its requests do."""

    def __init__(
        self, config: uvicorn.Config, deadline: ExitDeadline, other: OtherServer | None = None
    ) -> None:
        """Create a server that does not run yet.

        Args:
            config: Config of the server.
            deadline: Deadline that begins with the signal.
            other: Server that starts and stops with this one.
        """
        super().__init__(config)
        self._deadline, self._other = deadline, other

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end.

        Args:
            sig: Number of the signal.
            frame: Frame that it interrupted.
        """
        self._deadline.begin()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start both servers.

        Args:
            sockets: Sockets to listen on.
        """
        if self._other:
            await self._other.start()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop both servers at the same time, each with all the time for its open requests.

        Args:
            sockets: Sockets that this server listens on.
        """
        stopping = [super().shutdown(sockets)]
        if self._other:
            stopping.append(self._other.stop(self.config.timeout_graceful_shutdown or 0))
        await asyncio.gather(*stopping)

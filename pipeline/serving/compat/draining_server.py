"""Uvicorn with a deadline for its end, and with services beside it.

Uvicorn replaces the handlers of SIGTERM and SIGINT while it runs, and does not document
`handle_exit`, the method that it installs instead, nor `startup` and `shutdown`.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType
from typing import Protocol

import uvicorn

from pipeline.serving.exit_deadline import ExitDeadline
from trainer_module.contract.errors import InputError

#: Seconds between two looks at whether a signal has come while a service starts.
LOOK_SECONDS = 0.1


class Service(Protocol):
    """What runs beside the server in its event loop, as `GrpcServer`."""

    async def start(self) -> None:
        """Return when requests can be accepted."""

    async def stop(self, seconds: float) -> None:
        """Accept no more requests, and complete the open ones.

        Args:
            seconds: Time after which those that are still open are ended.
        """


class DrainingServer(uvicorn.Server):
    """Server that has ended some time after SIGTERM or Ctrl-C, whatever its requests do.

    It listens when all services have started, as TensorFlow Serving does when a version is loaded.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        deadline: ExitDeadline,
        services: Sequence[Service] = (),
        announce: Callable[[], None] = lambda: None,
        finish: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Create a server that does not run yet.

        Args:
            config: Config of the server.
            deadline: Deadline that begins with the signal.
            services: Services to start one after the other, and to stop together with the server.
            announce: Function to call when the server listens.
            finish: Function to call when all has stopped, and no request is open any more.
        """
        super().__init__(config)
        self._deadline, self._services = deadline, services
        self._announce, self._finish = announce, finish

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end.

        Args:
            sig: Number of the signal.
            frame: Frame that it interrupted.
        """
        self._deadline.begin()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start all services and then the server, unless a signal ends it before.

        Args:
            sockets: Sockets to listen on.

        Raises:
            InputError: Another process has begun to listen on the same port.
        """
        for service in self._services:
            starting = asyncio.create_task(service.start())
            while not starting.done() and not self.should_exit:
                await asyncio.wait([starting], timeout=LOOK_SECONDS)
            if self.should_exit:
                starting.cancel()
                return
            await starting
        try:
            await super().startup(sockets)
        except OSError as error:
            raise InputError(
                f"cannot listen: {error.strerror or error}. Give another --port."
            ) from None
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop all at the same time, each with all the time for its open requests.

        Args:
            sockets: Sockets that this server listens on.
        """
        seconds = float(self.config.timeout_graceful_shutdown or 0)
        stopping = [service.stop(seconds) for service in self._services]
        await asyncio.gather(super().shutdown(sockets), *stopping)
        if self._finish:
            await self._finish()

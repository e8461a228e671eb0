"""Middleware that counts requests, and refuses those that are for another host."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serving.server_metrics import ServerMetrics
from pipeline.web.allowed_hosts import AllowedHosts
from pipeline.web.json_response import error_response


class RequestMiddleware:
    """ASGI middleware that records status and duration of every request.

    It sends the responses to requests that it refuses by itself: it is outside Starlette's handlers
    of exceptions.
    """

    def __init__(self, app: ASGIApp, metrics: ServerMetrics, allowed_hosts: AllowedHosts) -> None:
        """Wrap an app.

        Args:
            app: ASGI app.
            metrics: Metrics of the server.
            allowed_hosts: Names of the server that requests may be for.
        """
        self._app, self._metrics, self._allowed_hosts = app, metrics, allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, see the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, has_response = time.perf_counter(), 500, False

        async def send_and_record(message: Message) -> None:
            nonlocal status, has_response
            status = message.get("status", status)
            has_response = True
            await send(message)

        try:
            if error := self._allowed_hosts.find_error(scope["headers"]):
                refusal = error_response(error.status, error.message)
                await refusal(scope, receive, send_and_record)
            else:
                await self._app(scope, receive, send_and_record)
        except asyncio.CancelledError:  # the drain time is over
            if not has_response:
                stopping = error_response(503, "the server is stopping, try again")
                await stopping(scope, receive, send_and_record)
        finally:
            self._metrics.count_request(status)
            if scope["path"].endswith(":predict"):
                self._metrics.time_predict(time.perf_counter() - started)

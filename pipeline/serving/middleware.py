"""Middleware that counts requests and limits how many are open."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serving.protocol.request_errors import RequestError
from pipeline.serving.server_metrics import ServerMetrics

#: Most requests that are open at a time, which bounds the memory that their bodies take.
MAX_OPEN_REQUESTS = 128


class RequestMiddleware:
    """ASGI middleware that records status and duration of every request."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        """Wrap an app.

        Args:
            app: ASGI app.
            metrics: Metrics of the server.
        """
        self._app, self._metrics = app, metrics
        self._num_open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, see the ASGI specification.

        Raises:
            RequestError: There are too many open requests, status 503.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_and_record(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._num_open += 1
        try:
            if self._num_open > MAX_OPEN_REQUESTS:
                status = 503
                raise RequestError(status, "too many open requests, try again")
            await self._app(scope, receive, send_and_record)
        finally:
            self._num_open -= 1
            self._metrics.count_request(status)
            if scope["path"].endswith(":predict"):
                self._metrics.time_predict(time.perf_counter() - started)

"""Counts requests, and keeps their number within bounds."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serving.protocol.request_errors import RequestError
from pipeline.serving.server_metrics import Metrics

#: Requests that are being answered at a time, which bounds the memory that their bodies take.
MAX_OPEN = 128


class Observed:
    """Middleware: tells the metrics how every request ended."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Wrap an app."""
        self._app, self._metrics = app, metrics
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on.

        Raises:
            RequestError: 503, there are too many already.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, code = time.perf_counter(), 500

        async def watched_send(message: Message) -> None:
            nonlocal code
            code = message.get("status", code)
            await send(message)

        self._open += 1
        try:
            if self._open > MAX_OPEN:
                code = 503
                raise RequestError(code, "too many open requests, try again")
            await self._app(scope, receive, watched_send)
        finally:
            self._open -= 1
            self._metrics.count_request(code)
            if scope["path"].endswith(":predict"):
                self._metrics.time_predict(time.perf_counter() - started)

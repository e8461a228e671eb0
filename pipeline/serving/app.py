"""The server's addresses."""

import contextlib
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.serving.api import Api, as_json
from pipeline.serving.middleware import Observed
from pipeline.serving.page import render_page
from pipeline.serving.protocol.request_errors import RequestError
from pipeline.serving.server_metrics import CONTENT_TYPE, Metrics

Lifespan = Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]


def create_app(api: Api, metrics: Metrics, lifespan: Lifespan | None = None) -> Starlette:
    """The ASGI app of one model.

    Args:
        api: its REST interface, below /v1/.
        metrics: that count.
        lifespan: what goes on while the app runs.
    """
    page = render_page(api.name)

    async def index(request: Request) -> Response:
        return page

    async def alive(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(request: Request) -> Response:
        if api.versions.newest() is None:
            return PlainTextResponse("no version is loaded\n", 503)
        return PlainTextResponse("ok\n")

    async def count(request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    async def versions(request: Request) -> Response:
        """For the page: what is loaded, and what it calls its classes."""
        loaded = api.versions.loaded()
        return as_json([{"version": n, "labels": model.labels} for n, model in loaded.items()])

    return Starlette(
        routes=[
            Route("/", index),
            Route("/healthz", alive),
            Route("/readyz", ready),
            Route("/metrics", count),
            Route("/versions", versions),
            Route("/v1/{rest:path}", api),
        ],
        middleware=[Middleware(Observed, metrics=metrics)],
        exception_handlers={
            RequestError: _tell,
            HTTPException: _tell_http,
            ClientDisconnect: _tell_nobody,
            Exception: _tell_nothing,
        },
        lifespan=lifespan,
    )


async def _tell(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)  # noqa: S101 - for the type checker
    return as_json({"error": error.message}, error.status)


async def _tell_http(request: Request, error: Exception) -> Response:
    """An address or a method that there is not."""
    assert isinstance(error, HTTPException)  # noqa: S101
    return as_json({"error": error.detail}, error.status_code)


async def _tell_nobody(request: Request, error: Exception) -> Response:
    """The client left before its request was complete."""
    return Response(status_code=400)


async def _tell_nothing(request: Request, error: Exception) -> Response:
    """What went wrong is in the log, where Uvicorn writes it with its traceback."""
    return as_json({"error": "internal error, see the server's log"}, 500)

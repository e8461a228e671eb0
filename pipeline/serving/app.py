"""The server's ASGI app: all its paths, and the responses to errors."""

import contextlib
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.serving.demo_page import render_demo_page
from pipeline.serving.limits.allowed_hosts import AllowedHosts
from pipeline.serving.middleware import RequestMiddleware
from pipeline.serving.protocol.json_response import as_json, error_response
from pipeline.serving.protocol.request_errors import RequestError
from pipeline.serving.rest_api import RestApi
from pipeline.serving.server_metrics import CONTENT_TYPE, ServerMetrics

Lifespan = Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]


def create_app(
    rest_api: RestApi,
    metrics: ServerMetrics,
    allowed_hosts: AllowedHosts,
    lifespan: Lifespan | None = None,
) -> Starlette:
    """Create the ASGI app of one model.

    Args:
        rest_api: REST API, served below /v1/.
        metrics: Metrics of the server, served as /metrics.
        allowed_hosts: Names of the server that requests may be for.
        lifespan: Context manager that is open while the app runs.
    """
    page = render_demo_page(rest_api.name)

    async def demo_page(request: Request) -> Response:
        return page

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readiness(request: Request) -> Response:
        if rest_api.versions.newest() is None:
            return PlainTextResponse("no version is loaded\n", 503)
        return PlainTextResponse("ok\n")

    async def prometheus_metrics(request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    async def versions(request: Request) -> Response:
        """Return the loaded versions with their class names, for the demo page."""
        loaded = rest_api.versions.loaded()
        return as_json([{"version": n, "labels": model.labels} for n, model in loaded.items()])

    return Starlette(
        routes=[
            Route("/", demo_page),
            Route("/healthz", health),
            Route("/readyz", readiness),
            Route("/metrics", prometheus_metrics),
            Route("/versions", versions),
            Route("/v1/{rest:path}", rest_api),
        ],
        middleware=[
            Middleware(RequestMiddleware, metrics=metrics, allowed_hosts=allowed_hosts),
        ],
        exception_handlers={
            RequestError: on_request_error,
            HTTPException: on_http_error,
            ClientDisconnect: on_client_disconnect,
            Exception: on_unexpected_error,
        },
        lifespan=lifespan,
    )


async def on_request_error(request: Request, error: Exception) -> Response:
    """Respond to a wrong request with the error's status and message."""
    assert isinstance(error, RequestError)  # noqa: S101 - for the type checker
    return error_response(error.status, error.message)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Respond to an unknown path or method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    return error_response(error.status_code, error.detail)


async def on_client_disconnect(request: Request, error: Exception) -> Response:
    """Respond to a client that disconnected before its request was complete; nobody reads it."""
    return Response(status_code=400)


async def on_unexpected_error(request: Request, error: Exception) -> Response:
    """Respond without details; Uvicorn writes the error to the log with its traceback."""
    return error_response(500, "internal error, see the server's log")

"""The server's ASGI app: all its paths, and the responses to errors."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.serving.middleware import RequestMiddleware
from pipeline.serving.rest_api import RestApi
from pipeline.serving.server_metrics import CONTENT_TYPE, ServerMetrics
from pipeline.web.allowed_hosts import AllowedHosts
from pipeline.web.error_handlers import ERROR_HANDLERS
from pipeline.web.json_response import as_json


def create_app(
    rest_api: RestApi,
    metrics: ServerMetrics,
    allowed_hosts: AllowedHosts,
    pages: Sequence[Route],
) -> Starlette:
    """Create the ASGI app of one model.

    Args:
        rest_api: REST API, served below /v1/.
        metrics: Metrics of the server, served as /metrics.
        allowed_hosts: Names of the server that requests may be for.
        pages: Further paths, for people, see `overview_routes`.
    """
    lookup = rest_api.lookup

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def prometheus_metrics(request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    async def loaded_versions(request: Request) -> Response:
        """Return the loaded versions with their class names, for the page."""
        versions = lookup.versions
        states = {versions.shadow(): "shadow", versions.serving(): "serving"}
        return as_json(
            [
                {"version": number, "state": states.get(number, ""), "labels": model.labels}
                for number, model in versions.loaded().items()
            ]
        )

    return Starlette(
        routes=[
            *pages,
            Route("/healthz", health),
            Route("/readyz", health),  # the port is closed until a version is loaded
            Route("/metrics", prometheus_metrics),
            Route("/versions", loaded_versions),
            Route("/v1/{rest:path}", rest_api),
        ],
        middleware=[
            Middleware(RequestMiddleware, metrics=metrics, allowed_hosts=allowed_hosts),
        ],
        exception_handlers=ERROR_HANDLERS,
    )

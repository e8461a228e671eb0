"""Responses to requests that fail, as Starlette's handlers of exceptions."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pipeline.web.json_response import error_response
from pipeline.web.request_errors import RequestError


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


#: Handlers by the class of the exception.
ERROR_HANDLERS = {
    RequestError: on_request_error,
    HTTPException: on_http_error,
    ClientDisconnect: on_client_disconnect,
    Exception: on_unexpected_error,
}

"""JSON responses."""

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

#: Seconds after which a client may try again when the server has no room for its request.
RETRY_SECONDS = 1

#: Bytes of a response that are handed over at a time.
PART_BYTES = 64 * 2**10

_UNAVAILABLE = 503


class JsonResponse(Response):
    """Response with JSON that is sent as fast as the client takes it.

    It is not complete before the client has taken nearly all of it: until then the memory of a
    large response stays counted.
    """

    media_type = "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, see the ASGI specification."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send(start | {"headers": self.raw_headers})
        content, end = memoryview(self.body), 0
        while end < len(content) or end == 0:
            start_of_part, end = end, end + PART_BYTES
            part = {"type": "http.response.body", "body": bytes(content[start_of_part:end])}
            await send(part | {"more_body": end < len(content)})


def as_json(value: object, status: int = 200) -> Response:
    """Return a JSON response, indented like TensorFlow Serving's.

    Args:
        value: JSON value.
        status: HTTP status.
    """
    return JsonResponse(orjson.dumps(value, option=orjson.OPT_INDENT_2), status)


def error_response(status: int, message: str) -> Response:
    """Return the response to a request that failed; with status 503 it has `Retry-After`.

    Args:
        status: HTTP status.
        message: Message to the client, in one line.
    """
    response = as_json({"error": message}, status)
    if status == _UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response

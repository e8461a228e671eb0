"""Body of a request, read within limits of size, time and memory."""

import asyncio
from time import monotonic

from starlette.requests import ClientDisconnect, Request

from pipeline.serving.limits.body_pace import UNPACED, BodyPace
from pipeline.serving.limits.memory_budget import RequestMemory
from pipeline.web.request_errors import RequestError

#: Largest body of a request, in bytes. TensorFlow Serving has no such limit and so no error for it;
#: HTTP's own status for it is 413.
MAX_BODY = 32 * 2**20

#: Lowest rate in bytes per second at which a client may send a body.
MIN_RATE = 64 * 2**10

#: Seconds that a client may fall behind `MIN_RATE`.
BODY_SECONDS = 10.0


async def read_body(request: Request, memory: RequestMemory, pace: BodyPace) -> bytearray:
    """Read the whole body of a request.

    Args:
        request: Request whose body has not been read.
        memory: Memory of the request, in which the bytes are counted as they arrive.
        pace: Pace of all large bodies.

    Raises:
        RequestError: The body is too large (status 413), came too slowly (status 408), or there is
            no memory for it (see `RequestMemory.keep`).
        ClientDisconnect: The client has disconnected.
    """
    too_large = RequestError(413, f"the request is larger than {MAX_BODY} bytes")
    if int(request.headers.get("content-length", 0)) > MAX_BODY:
        raise too_large
    body, more, started = bytearray(), True, monotonic()
    deadline = started + BODY_SECONDS
    while more:
        try:
            message = await asyncio.wait_for(request.receive(), deadline - monotonic())
        except asyncio.TimeoutError:
            seconds = monotonic() - started
            raise RequestError(
                408, f"the body came too slowly: {len(body)} bytes in {seconds:.0f} seconds"
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        if len(body) + len(chunk) > MAX_BODY:
            raise too_large
        memory.keep(len(chunk))
        body += chunk
        deadline = min(deadline + len(chunk) / MIN_RATE, monotonic() + BODY_SECONDS)
        more = message.get("more_body", False)
        if more and len(body) > UNPACED:
            deadline += await pace.wait(len(chunk))
    return body

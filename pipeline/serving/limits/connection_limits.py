"""Limits on the connections of all clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits on connections, and on the time that a client may take.

    Attributes:
        connections: Most open connections. Beyond it, a new one takes the place of the one that has
            waited longest for its client, so that health and metrics are always served.
        header_seconds: Time from the first byte of a header, or from the connection, to the end of
            the header.
        header_bytes: Most bytes of a header, with the request line; about, because bytes are
            counted as they arrive.
        headers: Most header lines.
        chunks: Most chunks of a body.
        pipelined: Most requests that wait on one connection for the response to an earlier one.
        idle_seconds: Time that a connection is kept open between two requests.
        linger_seconds: Time in which the rest of a refused request is read and dropped, so that
            the client sees why it was refused.
        response_seconds: Time that a client may fall behind `response_rate`.
        response_rate: Lowest rate in bytes per second at which a client may take a response.
    """

    connections: int = 512
    header_seconds: float = 10.0
    header_bytes: int = 32 * 2**10
    headers: int = 100
    chunks: int = 2**16
    pipelined: int = 8
    idle_seconds: float = 15.0
    linger_seconds: float = 5.0
    response_seconds: float = 10.0
    response_rate: int = 64 * 2**10

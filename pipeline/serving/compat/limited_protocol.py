"""HTTP connections with limits that Uvicorn does not have.

Uvicorn limits neither the time nor the size of a header, keeps a connection whose client stops
reading, and queues any number of pipelined requests. Its option `limit_concurrency` responds with
status 503 to health checks, too. It documents that `http` may be a protocol class, but not what
such a class may rely on: this one overrides methods of Uvicorn's class for httptools and reads its
attributes.
"""

import asyncio
import enum
from collections import OrderedDict
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from pipeline.serving.limits.body_pace import DROPPED_RATE, BodyPace
from pipeline.serving.limits.closing_transport import ClosingTransport
from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.web.json_response import error_response


class _Wait(enum.Enum):
    """What a connection waits for its client to do."""

    SEND_REQUEST = "no request came"
    SEND_HEADER = "slow header"
    SEND_BODY = "slow body"
    SEND_UNREAD = "unread rest"
    TAKE_RESPONSE = "response not taken"


class _Stage(enum.Enum):
    """Where the parser is."""

    BETWEEN_REQUESTS = enum.auto()
    HEADER = enum.auto()
    BODY = enum.auto()


class LimitedProtocol(HttpToolsProtocol):
    """Connection of one client, within `ConnectionLimits`; see `limited_protocol`.

    Attributes:
        limits: Limits of the server.
        metrics: Metrics of the server.
        waiting: Connections that wait for their client, the one that has waited longest first.
        dropping: Pace at which the rests of refused requests are read and dropped.
    """

    limits: ConnectionLimits
    metrics: ServerMetrics
    waiting: "OrderedDict[LimitedProtocol, None]"
    dropping: BodyPace

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Start before the connection is made.

        Args:
            args: Arguments of Uvicorn's class.
            kwargs: Arguments of Uvicorn's class.
        """
        super().__init__(*args, **kwargs)
        self._stage = _Stage.BETWEEN_REQUESTS
        self._wait: _Wait | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._num_unanswered = self._num_chunks = self._header_bytes = 0
        # Bytes since the parser last came to the end of a header, or to bytes of a body.
        self._stalled_bytes = 0
        self._refusal: tuple[int, str] | None = None

    # Called by the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request. If there are too many connections, close another one."""
        self._closing = ClosingTransport(transport, lambda: self.is_receiving, self.update)
        super().connection_made(cast(asyncio.Transport, self._closing))
        self.metrics.count_connection(1)
        if len(self.connections) > self.limits.connections:
            oldest = next(iter(self.waiting), self)
            oldest.abort("too many connections")
        self.update()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._wait_for(None)
        self.metrics.count_connection(-1)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, unless the client's request was refused."""
        if self.transport.is_closing():
            self._closing.pause_for(self.dropping.delay(len(data)))
            return
        if self._stage is _Stage.BETWEEN_REQUESTS:
            self._begin_request()
        self._stalled_bytes += len(data)
        stalled_bytes = self._stalled_bytes
        super().data_received(data)
        if self._stalled_bytes == stalled_bytes > self.limits.header_bytes:
            self.refuse(431, f"the header is larger than {self.limits.header_bytes} bytes")
        self._unset_keepalive_if_required()  # `update` takes care of it
        self.update()

    def pause_writing(self) -> None:
        """Wait for the client to take its response."""
        super().pause_writing()
        self.update()

    def resume_writing(self) -> None:
        """Continue to write."""
        super().resume_writing()
        self.update()

    # Called by the parser

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        super().on_url(url)
        self._count_header_bytes(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line, or a line after the last chunk."""
        super().on_header(name, value)
        self._count_header_bytes(len(name) + len(value) + len(": \r\n"))
        if len(self.headers) > self.limits.headers:
            self._stop_parsing(431, f"the header has more than {self.limits.headers} lines")

    def on_headers_complete(self) -> None:
        """Begin to handle a request."""
        self._stalled_bytes = 0
        if len(self.pipeline) >= self.limits.pipelined:
            self._stop_parsing(400, "too many requests at once on one connection")
        super().on_headers_complete()
        self._stage = _Stage.BODY
        self._num_unanswered += 1
        if self.parser.should_upgrade():  # what follows would be taken for another request
            self.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        """Count a chunk of a body."""
        self._stalled_bytes = 0
        self._num_chunks += 1
        if self._num_chunks > self.limits.chunks:
            self._stop_parsing(413, f"the body has more than {self.limits.chunks} chunks")

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._stalled_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._stage = _Stage.BETWEEN_REQUESTS
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """Take the first byte of a request."""
        self._begin_request()
        super().on_message_begin()

    # Called by Uvicorn

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot parse."""
        self.refuse(*(self._refusal or (400, "this is not an HTTP request")))

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._num_unanswered -= 1
        super().on_response_complete()
        self._unset_keepalive_if_required()
        self.update()

    # Called by each other

    def update(self) -> None:
        """Start to wait for what the client has to do next."""
        if self.transport.is_closing():
            has_unsent = self.transport.get_write_buffer_size() > 0
            self._wait_for(_Wait.TAKE_RESPONSE if has_unsent else _Wait.SEND_UNREAD)
        elif self.flow.write_paused:
            self._wait_for(_Wait.TAKE_RESPONSE)
        elif self._num_unanswered > (self._stage is _Stage.BODY):  # a whole request
            self._wait_for(None)
        elif self._stage is _Stage.BODY:
            self._wait_for(_Wait.SEND_BODY if self._num_unanswered else _Wait.SEND_UNREAD)
        elif self._stage is _Stage.HEADER:
            self._wait_for(_Wait.SEND_HEADER)
        else:
            self._wait_for(_Wait.SEND_REQUEST)

    def refuse(self, status: int, message: str) -> None:
        """Respond to what is not a whole request, and close the connection.

        Args:
            status: HTTP status.
            message: Message to the client, in one line.
        """
        if self.transport.is_closing():
            return
        in_body = self._stage is _Stage.BODY
        if self._num_unanswered > in_body or (in_body and self.cycle.response_started):
            self.abort("refused")  # the client would take this for the response to another request
            return
        if in_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.metrics.count_request(status)
        response = error_response(status, message)
        fields = [*response.raw_headers, (b"connection", b"close")]
        lines = [b"%s: %s\r\n" % field for field in fields]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", response.body]))
        self.transport.close()

    def abort(self, reason: str) -> None:
        """Close the connection at once.

        Args:
            reason: Reason for the metrics, one of few.
        """
        self._wait_for(None)
        self.metrics.count_aborted(reason)
        self.transport.abort()

    @property
    def is_receiving(self) -> bool:
        """Whether the client has begun a request that is not complete."""
        return self._stage is not _Stage.BETWEEN_REQUESTS

    def _begin_request(self) -> None:
        if self._stage is _Stage.BETWEEN_REQUESTS:
            self._stage = _Stage.HEADER
            self._stalled_bytes = self._header_bytes = self._num_chunks = 0
            self.update()

    def _count_header_bytes(self, num_bytes: int) -> None:
        self._header_bytes += num_bytes
        if self._header_bytes > self.limits.header_bytes:
            self._stop_parsing(431, f"the header is larger than {self.limits.header_bytes} bytes")

    def _stop_parsing(self, status: int, message: str) -> None:
        """Raise an error through the parser, which then calls `send_400_response`."""
        self._refusal = (status, message)
        raise ValueError(message)

    def _wait_for(self, wait: _Wait | None) -> None:
        """Wait for the client, or stop waiting; the time of a wait that goes on is not extended."""
        if wait is self._wait:
            return
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._wait = wait
        self.waiting.pop(self, None)
        if wait is None:
            return
        self.waiting[self] = None
        self._start_timer(wait)

    def _start_timer(self, wait: _Wait) -> None:
        seconds = {
            _Wait.SEND_REQUEST: self.limits.idle_seconds,
            _Wait.SEND_HEADER: self.limits.header_seconds,
            _Wait.SEND_BODY: None,  # it is limited where the body is read
            _Wait.SEND_UNREAD: self.limits.linger_seconds,
            _Wait.TAKE_RESPONSE: self._seconds_for_response(),
        }[wait]
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._end_wait)

    def _end_wait(self) -> None:
        """Close the connection, because its client did not do in time what it had to do."""
        wait, self._timer = self._wait, None
        if wait is _Wait.SEND_REQUEST:
            self.transport.close()
        elif wait is _Wait.SEND_HEADER:
            seconds = self.limits.header_seconds
            self.refuse(408, f"the header did not arrive within {seconds:g} seconds")
        elif wait is _Wait.TAKE_RESPONSE and self._seconds_for_response() > 0:
            self._start_timer(wait)
        elif wait is not None:
            self.abort(wait.value)

    def _seconds_for_response(self) -> float:
        limits = self.limits
        return max(self._closing.seconds_left(limits.response_seconds, limits.response_rate), 0)


def limited_protocol(limits: ConnectionLimits, metrics: ServerMetrics) -> type[LimitedProtocol]:
    """Return the protocol class of one server, for the parameter `http` of `uvicorn.Config`.

    Args:
        limits: Limits of the server.
        metrics: Metrics of the server.
    """
    members = {"limits": limits, "metrics": metrics, "waiting": OrderedDict()}
    pace = {"dropping": BodyPace(DROPPED_RATE)}
    return type("LimitedProtocolOfServer", (LimitedProtocol,), members | pace)

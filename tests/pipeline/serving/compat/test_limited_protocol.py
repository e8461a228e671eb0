"""Limits on connections, over real sockets and with short times."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from app_in_thread import run_http
from private_names import require
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.serving.limits.connection_limits import ConnectionLimits
from pipeline.serving.server_metrics import ServerMetrics

LIMITS = ConnectionLimits(
    connections=6,
    header_seconds=0.3,
    header_bytes=2_000,
    headers=20,
    chunks=5,
    pipelined=2,
    idle_seconds=0.3,
    linger_seconds=0.3,
    response_seconds=0.3,
    response_rate=2**30,
)

#: Bytes that the system does not buffer between a server and a client that reads nothing.
LARGE = 2**25


@dataclass
class Site:
    """A running server whose app has a path for each case."""

    port: int
    metrics: ServerMetrics
    proceed: threading.Event = field(default_factory=threading.Event)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, *parts: bytes) -> bytes:
        """Send parts on a new connection; return all that comes until the server closes it."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_all(connection)

    def exchange_all(self, sent: bytes) -> bytes:
        """Send something large in parts, and that nothing follows; return all that comes."""
        with self.connect() as connection:
            for start in range(0, len(sent), 2**16):
                connection.sendall(sent[start : start + 2**16])
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    def metric(self, name: str) -> float:
        [line] = re.findall(rf"^{re.escape(name)} (\S+)$", self.metrics.text().decode(), re.M)
        return float(line)


@pytest.fixture(name="site", scope="module")
def _site() -> Iterator[Site]:
    with run_site(LIMITS) as site:
        yield site


@pytest.fixture(name="patient_site", scope="module")
def _patient_site() -> Iterator[Site]:
    """A server that reads what a client sends after the response, however slow the machine is."""
    with run_site(replace(LIMITS, header_seconds=60, linger_seconds=60)) as site:
        yield site


@contextlib.contextmanager
def run_site(limits: ConnectionLimits) -> Iterator[Site]:
    metrics = ServerMetrics(lambda: 0)
    site = Site(0, metrics)

    async def hello(request: Request) -> Response:
        return PlainTextResponse("hello")

    async def count(request: Request) -> Response:
        return PlainTextResponse(f"{len(await request.body())} bytes")

    async def large(request: Request) -> Response:
        return Response(bytes(LARGE))

    def wait(request: Request) -> Response:
        assert site.proceed.wait(10)
        return PlainTextResponse("waited")

    routes = [
        Route("/", hello, methods=["GET", "POST"]),
        Route("/count", count, methods=["POST"]),
        Route("/large", large),
        Route("/wait", wait),
    ]
    with run_http(Starlette(routes=routes), metrics, limits) as port:
        site.port = port
        yield site


def read_all(connection: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(2**20):
            parts.append(part)
    return b"".join(parts)


def request(path: str = "/", method: str = "GET", *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def error_of(response: bytes, status: int) -> str:
    """Return the message of an error response, which must be JSON and close the connection."""
    header, _, body = response.partition(b"\r\n\r\n")
    assert header.startswith(f"HTTP/1.1 {status} ".encode()), response[:300]
    assert b"connection: close" in header
    return json.loads(body)["error"]


def test_several_requests_use_one_connection_which_is_closed_when_it_is_idle(site):
    response = site.exchange(request(), request("/count", "POST", "Content-Length: 3") + b"abc")
    assert response.count(b"HTTP/1.1 200") == 2
    assert response.endswith(b"3 bytes")


def test_a_connection_without_a_request_is_closed_without_a_word(site):
    assert site.exchange() == b""


def test_a_header_that_does_not_end_gets_408(site):
    response = site.exchange(request()[:-4])
    assert error_of(response, 408) == "the header did not arrive within 0.3 seconds"


def test_single_bytes_do_not_extend_the_time_of_a_header(site):
    with site.connect() as connection:
        connection.settimeout(0.02)
        response, header = b"", iter(request("/" + "a" * 1000))
        while not response:
            connection.sendall(bytes([next(header)]))
            with contextlib.suppress(TimeoutError):
                response = connection.recv(1000)
    assert b"408 Request Timeout" in response


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (request("/" + "a" * 3_000), "larger than 2000 bytes"),
        (request("/", "GET", "X: " + "a" * 3_000), "larger than 2000 bytes"),
        (request("/", "GET", "X: " + "a" * 2**24), "larger than 2000 bytes"),
        (request("/", "GET", *["X: a"] * 30), "more than 20 lines"),
        (b"\r\n" * 2_000, "larger than 2000 bytes"),
        (
            request("/count", "POST", "Transfer-Encoding: chunked") + b"1;" + b"a" * 2**20,
            "larger than 2000 bytes",
        ),
        (
            request("/count", "POST", "Transfer-Encoding: chunked") + b"0\r\nX: " + b"a" * 2**20,
            "larger than 2000 bytes",
        ),
    ],
    ids=["path", "one line", "16 MiB", "lines", "empty lines", "chunk extension", "trailer"],
)
def test_a_header_that_is_too_large_gets_431(patient_site, sent, message):
    assert message in error_of(patient_site.exchange_all(sent), 431)


def test_a_body_of_very_many_chunks_gets_413(site):
    chunked = request("/count", "POST", "Transfer-Encoding: chunked")
    assert "more than 5 chunks" in error_of(site.exchange(chunked + b"1\r\na\r\n" * 6), 413)
    last = b"0\r\n\r\n"
    assert b"4 bytes" in site.exchange(chunked + b"1\r\na\r\n" * 4 + last)


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\r\n", b"GET\r\n\r\n", request("http://", "CONNECT")]
)
def test_what_is_not_http_gets_400(site, sent):
    assert error_of(site.exchange(sent), 400) == "this is not an HTTP request"


def test_a_few_pipelined_requests_are_served_and_many_are_not(site):
    few = request("/", "GET") * 2 + request("/", "GET", "Connection: close")
    assert site.exchange(few).count(b"hello") == 3
    site.proceed.clear()
    assert b"hello" not in site.exchange(request("/wait"), request() * 20)
    site.proceed.set()
    assert site.metric('carryover_aborted_connections_total{reason="refused"}') == 1


def test_a_client_that_still_sends_gets_the_response_to_its_refused_request(site):
    body = bytes(2**23)
    head = request("/nowhere", "POST", f"Content-Length: {len(body)}", "Connection: close")
    response = site.exchange(head, body)
    assert response.startswith(b"HTTP/1.1 404")


def test_a_client_that_never_ends_a_refused_request_is_cut_off(site):
    head = request("/nowhere", "POST", "Content-Length: 1000")
    before = site.metric("carryover_connections")
    with site.connect() as connection:
        connection.sendall(head)
        assert read_all(connection).startswith(b"HTTP/1.1 404")
    assert site.metric("carryover_connections") <= before
    assert site.metric('carryover_aborted_connections_total{reason="unread rest"}') >= 1


def test_after_the_rest_of_a_refused_request_the_connection_is_usable(site):
    refused = request("/nowhere", "POST", "Content-Length: 4")
    with site.connect() as connection:
        connection.sendall(refused)
        assert connection.recv(1000).startswith(b"HTTP/1.1 404")
        connection.sendall(b"rest" + request())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("line", ["Connection: keep-alive", "Connection: close"])
def test_a_client_that_does_not_take_its_response_is_cut_off(site, line):
    name = 'carryover_aborted_connections_total{reason="response not taken"}'
    with site.connect() as connection:
        connection.sendall(request("/large", "GET", line))
        connection.recv(1, socket.MSG_PEEK)
        before = _value_or_zero(site, name)
        deadline = threading.Event()
        while _value_or_zero(site, name) == before:
            deadline.wait(0.02)
        assert len(read_all(connection)) < LARGE


def _value_or_zero(site: Site, name: str) -> float:
    return site.metric(name) if name in site.metrics.text().decode() else 0


def test_a_new_connection_takes_the_place_of_the_one_that_waited_longest(site):
    with contextlib.ExitStack() as stack:
        site.proceed.clear()
        busy = stack.enter_context(site.connect())
        busy.sendall(request("/wait"))
        slow = [stack.enter_context(site.connect()) for _ in range(8)]
        for connection in slow:
            connection.sendall(b"G")
        assert b"hello" in site.exchange(request("/", "GET", "Connection: close"))
        assert read_all(slow[0]) == b""
        site.proceed.set()
        assert b"waited" in busy.recv(1000)


def test_an_upgrade_that_is_not_supported_ends_the_connection(site):
    upgrade = request("/", "POST", "Upgrade: h2c", "Connection: upgrade", "Content-Length: 20")
    smuggled = request("/count", "POST")
    response = site.exchange(upgrade + smuggled)
    assert response.count(b"HTTP/1.1") == 1


def test_uvicorn_has_the_names_that_the_protocol_uses():
    module = "uvicorn.protocols.http.httptools_impl"
    used_in = "pipeline/serving/compat/limited_protocol.py"
    require(f"{module}:STATUS_LINE", used_in)
    for method in ("send_400_response", "on_response_complete", "_unset_keepalive_if_required"):
        require(f"{module}:HttpToolsProtocol.{method}", used_in)
    parameters = ("transport", "message_event", "keep_alive", "on_response")
    require(f"{module}:RequestResponseCycle", used_in, parameters)

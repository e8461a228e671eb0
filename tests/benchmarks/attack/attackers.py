"""Clients that attack a server, as a process of their own: `python attackers.py PORT MODEL`.

They attack until their standard input is closed, and then print the responses to each kind of
attack by status, as JSON.
"""

import contextlib
import http.client
import io
import json
import os
import random
import socket
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

# ruff: noqa: E402 - the paths come first
from hostile_bodies import bombs, json_bodies, predict_body, scans
from PIL import Image
from serve_fuzz import Fuzzer

#: Connections that send one byte per second: bodies, and headers.
SLOW_BODIES = 200
SLOW_HEADERS = 150

#: Seconds that an attacker waits for a response.
PATIENCE = 120


class Attack:
    """All attackers of one server, which share the counts of responses."""

    def __init__(self, port: int, model: str) -> None:
        """Prepare the requests.

        Args:
            port: Port of the server on the loopback.
            model: Name of the model.
        """
        self._port, self._model = port, model
        self._path = f"/v1/models/{model}:predict"
        self._is_over = threading.Event()
        self.statuses: dict[str, Counter[str]] = defaultdict(Counter)
        picture = io.BytesIO()
        Image.effect_noise((224, 224), 60).convert("RGB").save(picture, "JPEG")
        self._picture = picture.getvalue()
        self._bombs, self._json, self._scans = bombs(), json_bodies(), scans()

    def run(self) -> None:
        """Attack until standard input is closed."""
        print("ready", flush=True)
        many = predict_body([self._picture] * 128)
        bodies = [
            *[self._bombs] * 4,
            *[{"scans": self._scans}] * 2,
            *[self._json] * 3,
            *[{"128 instances": many}] * 2,
        ]
        attackers: list[Callable[[], None]] = [
            *[self._sender(chosen, seed) for seed, chosen in enumerate(bodies)],
            self._send_slow_bodies,
            self._send_slow_headers,
            self._send_endless_header,
            self._take_no_response,
            self._pipeline,
            self._open_and_close,
            self._fuzz,
        ]
        threads = [threading.Thread(target=self._repeat, args=(one,)) for one in attackers]
        for thread in threads:
            thread.start()
        sys.stdin.read()
        self._is_over.set()
        for thread in threads:
            thread.join(5)

    def _repeat(self, attack: Callable[[], None]) -> None:
        while not self._is_over.is_set():
            try:
                attack()
            except (OSError, http.client.HTTPException) as error:
                self.statuses[_name(attack)][type(error).__name__] += 1
                self._is_over.wait(0.05)

    def _sender(self, bodies: dict[str, bytes], seed: int) -> Callable[[], None]:
        """Return an attacker that posts bodies again and again."""
        chosen = random.Random(seed)  # noqa: S311

        def send() -> None:
            name, body = chosen.choice(list(bodies.items()))
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
            try:
                with contextlib.closing(connection):
                    connection.request("POST", self._path, body)
                    self._count(name, connection.getresponse())
            except OSError as error:
                self.statuses[name][type(error).__name__] += 1

        return send

    def _count(self, name: str, response: http.client.HTTPResponse) -> None:
        response.read()
        self.statuses[name][str(response.status)] += 1

    def _send_slow_bodies(self) -> None:
        head = self._head("Content-Length: 33554432")
        self._trickle("slow bodies", SLOW_BODIES, head + b"{", b" ")

    def _send_slow_headers(self) -> None:
        self._trickle("slow headers", SLOW_HEADERS, self._head("X: ")[:-4], b"a")

    def _trickle(self, name: str, count: int, start: bytes, more: bytes) -> None:
        """Keep connections that send a byte now and then, and open those anew that are closed."""
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(self._connect()) for _ in range(count)]
            for connection in connections:
                connection.sendall(start)
            for connection in self._each_second(connections):
                try:
                    connection.sendall(more)
                    connection.settimeout(0)
                    response = connection.recv(2**16)
                    self.statuses[name][response[9:12].decode() or "closed"] += 1
                    return
                except BlockingIOError:
                    connection.settimeout(PATIENCE)

    def _each_second(self, connections: list[socket.socket]) -> Iterator[socket.socket]:
        while not self._is_over.is_set():
            yield from connections
            self._is_over.wait(1)

    def _send_endless_header(self) -> None:
        with self._connect() as connection:
            connection.sendall(self._head("X: ")[:-4])
            for _ in range(300):
                connection.sendall(b"a" * 2**20)

    def _take_no_response(self) -> None:
        body = predict_body([self._picture] * 128, "embed")
        with self._connect() as connection:
            connection.sendall(self._head(f"Content-Length: {len(body)}") + body)
            self._is_over.wait(20)
        self.statuses["response not taken"]["sent"] += 1

    def _pipeline(self) -> None:
        with self._connect() as connection:
            for _ in range(1_000):
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1_000)

    def _open_and_close(self) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stack.enter_context(self._connect())
            self._is_over.wait(0.5)
        self.statuses["open and close"]["opened"] += 50

    def _fuzz(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        fuzzer = Fuzzer([self._picture], random.Random(7))  # noqa: S311
        with contextlib.closing(connection):
            for method, path, body in fuzzer.requests(10**6):
                if self._is_over.wait(0.02):
                    return
                safe_path = quote(path, safe="/:?=%&")
                connection.request(method, f"/v1/models/{self._model}{safe_path}", body)
                self._count("malformed", connection.getresponse())

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)

    def _head(self, line: str) -> bytes:
        return f"POST {self._path} HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode()


def _name(attack: Callable[[], None]) -> str:
    return attack.__name__.strip("_").replace("_", " ")


if __name__ == "__main__":
    os.nice(19)  # the attackers are on other machines in truth
    attack = Attack(int(sys.argv[1]), sys.argv[2])
    attack.run()
    print(json.dumps(attack.statuses))
    sys.stdout.flush()
    os._exit(0)  # some attackers still wait for a response

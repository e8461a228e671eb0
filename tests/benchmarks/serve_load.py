"""Concurrent clients of `carryover serve`, over persistent connections."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 16


@dataclass
class Load:
    """Results of many requests.

    Attributes:
        seconds: Time from the first request to the last response.
        failures: Errors of connections, and responses with another status than 200.
        responses: Number of the request and JSON of its response.
        latencies: Seconds from each request to its response.
    """

    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    responses: list[tuple[int, Any]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def send_requests(
    address: str,
    path: str,
    bodies: list[bytes],
    requests: int,
    progress: Callable[[int], None] = lambda num_responses: None,
) -> Load:
    """Send requests from `CLIENTS` threads, each as soon as it has the response to its last one.

    Args:
        address: Address of the server, `http://host:port`.
        path: Path to post to.
        bodies: Bodies of the requests, which are sent in turn.
        requests: Number of requests.
        progress: Function that is called with the number of responses so far.
    """
    load = Load()

    def client(numbers: Iterator[int]) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        for number in numbers:
            started = time.perf_counter()
            try:
                connection.request("POST", path, bodies[number % len(bodies)])
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException) as error:
                load.failures.append(repr(error))
                connection.close()
                continue
            if response.status != 200:
                load.failures.append(f"{response.status}: {content[:200]!r}")
                continue
            load.latencies.append(time.perf_counter() - started)
            load.responses.append((number, json.loads(content)))
            progress(len(load.responses))

    load.seconds = run_clients(client, requests)
    return load


def run_clients(client: Callable[[Iterator[int]], None], requests: int) -> float:
    """Run `CLIENTS` clients until all requests are sent, and return the seconds.

    Args:
        client: Function that sends a request for every number. The clients share the numbers.
        requests: Number of requests.
    """
    numbers, lock = iter(range(requests)), threading.Lock()

    def shared_numbers() -> Iterator[int]:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            yield number

    threads = [threading.Thread(target=client, args=(shared_numbers(),)) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started

"""Clients of `carryover serve` that ask at the same time, over connections that stay open."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 16


@dataclass
class Load:
    """What became of many requests.

    Attributes:
        seconds: from the first to the last.
        failures: whatever was no answer, in words.
        answers: number of the request and the JSON that came back.
    """

    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)


def ask_many(
    address: str,
    path: str,
    bodies: list[bytes],
    requests: int,
    progress: Callable[[int], None] = lambda done: None,
) -> Load:
    """Send requests from `CLIENTS` threads, each as soon as it has the answer to its last one.

    Args:
        address: `http://host:port`.
        path: to post to.
        bodies: sent in turn.
        requests: how many in all.
        progress: told how many were answered so far.
    """
    load, numbers, lock = Load(), iter(range(requests)), threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
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
            load.answers.append((number, json.loads(content)))
            progress(len(load.answers))

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - started
    return load

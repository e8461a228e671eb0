"""A server that gets small requests which would cost much memory or time."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from costly_pictures import large, png_with, progressive, text_bomb, with_segments
from rest_client import RestClient, binary
from server_process import ServerProcess, start_server
from tiny_models import ColourModel, save_model
from tiny_pictures import solid

from components.pusher.version_store import Push, VersionStore

pytestmark = pytest.mark.slow

#: Memory of all requests, and what the process may take beyond it: threads, caches, a decoder's
#: own 50 MiB each.
MAX_MEMORY, BESIDES = 512, 200
PARALLEL = 4

#: What is sent -> statuses of the responses, when there is memory for it.
ATTACKS: dict[str, tuple[Callable[[], bytes], set[int]]] = {
    "WebP of 9 megapixels": (lambda: large("WEBP", 3_000, "RGBA", lossless=True), {200}),
    "GIF of 9 megapixels": (lambda: large("GIF", 3_000), {200}),
    "WebP of 100 megapixels": (lambda: large("WEBP", 9_990, lossless=True), {400}),
    "PNG of 36 megapixels": (lambda: large("PNG", 6_000, "L"), {200}),
    "JPEG of 36 megapixels": (lambda: large("JPEG", 6_000, "L"), {200}),
    "9,000 scans": (lambda: progressive((400, 400), 8_990), {400}),
    "a million segments": (lambda: with_segments(1_000_000), {400}),
    "texts of 1.6 GB": (lambda: png_with(text_bomb(7_900_000, 200)), {400}),
    "texts of 60 MB": (lambda: png_with(text_bomb(1_000_000, 60)), {200}),
}

#: Bodies that are refused before their values are in memory.
BODIES = {
    "empty lists": b'{"instances": [' + b"[]," * 10_000_000 + b"[]]}",
    "nested lists": b'{"instances": ' + b"[" * 30_000_000,
    "numbers": b'{"instances": [' + b"0," * 15_000_000 + b"0]}",
}


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    store = VersionStore(tmp_path_factory.mktemp("workspace"), "colours")
    model = save_model(store.root / "model", ColourModel())
    store.push(model, Push("1", "run", "key", None, "2024-01-01T00:00:00+00:00", {}))
    with start_server(store.root, "--max-memory", f"{MAX_MEMORY}MiB") as running:
        yield running


class Watch:
    """Sends ordinary requests and measures memory, in threads, until the end of the block."""

    def __init__(self, server: ServerProcess) -> None:
        self._client, self._process = server.client, psutil.Process(server.process.pid)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._measure, self._send)]
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.before = self.peak = self._memory()

    def __enter__(self) -> "Watch":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _memory(self) -> float:
        """MiB of the server and its decoders."""
        total = 0
        for process in (self._process, *self._process.children()):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total / 2**20

    def _measure(self) -> None:
        while not self._stop.wait(0.05):
            self.peak = max(self.peak, self._memory())

    def _send(self) -> None:
        while not self._stop.wait(0.02):
            started = time.monotonic()
            response = self._client.predict({"instances": [binary(solid("red"))]})
            self.statuses[response.status] += 1
            self.slowest = max(self.slowest, time.monotonic() - started)


def send(client: RestClient, body: bytes) -> set[int]:
    """Send a request several times at once; returns the statuses."""
    with ThreadPoolExecutor(PARALLEL) as threads:
        return {one.status for one in threads.map(client.predict, [body] * PARALLEL)}


def test_memory_stays_within_the_limit_and_ordinary_requests_get_their_predictions(server):
    bodies = {
        name: json.dumps({"instances": [binary(make())]}).encode()
        for name, (make, _) in ATTACKS.items()
    }
    assert server.client.predict({"instances": [binary(solid("red"))]}).status == 200
    with Watch(server) as watch:
        for name, body in bodies.items():
            expected = ATTACKS[name][1]
            statuses = send(server.client, body)
            assert statuses <= expected | {503}, name
            assert statuses & expected, name
        for name, body in BODIES.items():
            assert send(server.client, body) <= {400, 503}, name
    print(
        f"memory {watch.before:.0f} -> {watch.peak:.0f} MiB; ordinary requests {watch.statuses}, "
        f"slowest {watch.slowest:.2f} s"
    )
    assert watch.peak - watch.before <= MAX_MEMORY + BESIDES
    assert watch.statuses[200] >= 20
    assert watch.statuses.keys() <= {200, 503}


def test_the_server_ends_at_once_while_a_picture_is_decoded(server):
    body = json.dumps({"instances": [binary(large("WEBP", 2_900, "RGBA", lossless=True))]}).encode()
    thread = threading.Thread(target=server.client.predict, args=(body,))
    thread.start()
    started = time.monotonic()
    children = psutil.Process(server.process.pid).children()
    assert server.stop() == 0
    thread.join()
    assert time.monotonic() - started < 25
    psutil.wait_procs(children, timeout=30)
    assert not any(child.is_running() for child in children)

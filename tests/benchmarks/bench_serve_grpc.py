"""Robustness of serving over gRPC: `python tests/benchmarks/bench_serve_grpc.py`.

Three parts, with clients on the same machine that use the official stubs: throughput beside that of
the REST API, 10,000 requests while five versions are pushed, and 5,000 malformed messages.
"""

import os
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers"), str(HERE), str(HERE / "attack")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# ruff: noqa: E402 - the paths come first
import grpc
import numpy as np
import orjson
from bench_serve import (
    FUZZ_REQUESTS,
    SWAP_REQUESTS,
    SWAPS,
    chosen,
    noise,
    probabilities_of,
    push_all,
)
from grpc_client import GrpcClient
from grpc_fuzz import GrpcFuzzer
from PIL import Image
from rest_client import binary
from serve_load import CLIENTS, run_clients, send_requests
from server_process import ServerProcess, start_server
from tiny_exports import export_tiny, push_of
from tiny_pictures import encode

from components.pusher.version_store import VersionStore
from trainer_module.training_options import BackboneOptions

IMAGE_SIZE = 96
REQUESTS = 1600
WRONG = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED"}


def main() -> None:
    """Run the three parts; the exit code is 1 if one of them fails."""
    pictures = [noise(seed) for seed in range(CLIENTS)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        models = [
            export_tiny(root / f"model-{n}", n, IMAGE_SIZE, BackboneOptions())
            for n in range(SWAPS + 1)
        ]
        store = VersionStore(root / "workspace", "bench")
        store.push(models[0], push_of(0))
        with start_server(store.root, "--grpc-port", "0") as server:
            throughput(server, pictures)
            passed = [
                swaps(server, store, models[1:], pictures),
                fuzz(server, pictures),
                server.stop() == 0,
            ]
    print(
        f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} from all that runs on it"
    )
    sys.exit(0 if all(passed) else 1)


def send_grpc(
    server: ServerProcess, pictures_of: Callable[[int], list[bytes]], requests: int
) -> tuple[float, list[str], list[tuple[int, Any]]]:
    """Send requests from `CLIENTS` connections; return seconds, failures, and the responses."""
    failures: list[str] = []
    responses: list[tuple[int, Any]] = []

    def send(numbers: Iterator[int]) -> None:
        with GrpcClient(str(server.grpc_address), "bench") as client:
            for number in numbers:
                try:
                    responses.append((number, client.predict(pictures_of(number))))
                except grpc.RpcError as error:
                    failures.append(f"{error.code()}: {error.details()}")

    return run_clients(send, requests), failures, responses


def throughput(server: ServerProcess, pictures: list[bytes]) -> None:
    """Print the pictures per second of requests of single pictures, over gRPC and over REST."""
    bodies = [orjson.dumps({"instances": [binary(picture)]}) for picture in pictures]
    for number in range(1, 4):
        seconds, failures, _ = send_grpc(server, lambda k: [pictures[k % CLIENTS]], REQUESTS)
        load = send_requests(server.client.address, "/v1/models/bench:predict", bodies, REQUESTS)
        print(
            f"round {number}: {CLIENTS} clients {REQUESTS / seconds:,.0f} pictures/s over gRPC, "
            f"{REQUESTS / load.seconds:,.0f} over REST; {len(failures) + len(load.failures)} failed"
        )


def swaps(
    server: ServerProcess, store: VersionStore, models: list[Path], pictures: list[bytes]
) -> bool:
    """Send requests while versions are pushed; each response must come from its version."""
    pushing = threading.Thread(target=push_all, args=(server, store, models))
    pushing.start()
    seconds, failures, responses = send_grpc(
        server, lambda number: chosen(number, pictures), SWAP_REQUESTS
    )
    pushing.join()
    known = [probabilities_of(store.path(version), pictures) for version in store.versions()]
    by_version: Counter[str] = Counter()
    for number, response in responses:
        version = response.model_spec.version.value
        predicted = np.reshape(response.outputs["probabilities"].float_val, (-1, known[0].shape[1]))
        is_right = np.allclose(predicted, chosen(number, known[version - 1]), atol=1e-4)
        by_version[f"version {version}" if is_right else "no whole version"] += 1
    print(
        f"swaps: {SWAP_REQUESTS:,} requests in {seconds:.0f} s, {len(failures)} failed; "
        f"responses from {dict(sorted(by_version.items()))}"
    )
    print(*failures[:5], sep="\n", end="")
    return "no whole version" not in by_version and len(by_version) > 1 and not failures


def fuzz(server: ServerProcess, pictures: list[bytes]) -> bool:
    """Send malformed messages one after another; no code may blame the server."""
    pictures = [*pictures[:4], encode(Image.new("RGBA", (40, 30)))]
    fuzzer = GrpcFuzzer("bench", pictures, random.Random(7))  # noqa: S311
    codes: Counter[str] = Counter()
    memory = []
    with GrpcClient(str(server.grpc_address), "bench") as client:
        for number, message in enumerate(fuzzer.messages(FUZZ_REQUESTS)):
            if number % (FUZZ_REQUESTS // 5) == 0:
                memory.append(server.metric("process_resident_memory_bytes") / 2**20)
            codes[client.send(message)[0]] += 1
    memory.append(server.metric("process_resident_memory_bytes") / 2**20)
    print(f"fuzz: {FUZZ_REQUESTS:,} messages, responses by code {dict(sorted(codes.items()))}")
    print(f"fuzz: memory in MiB after each fifth: {', '.join(f'{one:,.0f}' for one in memory)}")
    # The first fifth fills caches; after it, memory must not grow.
    return not codes.keys() & WRONG and memory[-1] < memory[1] * 1.05


if __name__ == "__main__":
    main()

"""Throughput and robustness of serving: `python tests/benchmarks/bench_serve.py`.

Four parts, all with clients on the same machine: throughput against calling the SavedModel in a
loop, 10,000 requests while five versions are pushed, 5,000 malformed requests, and throughput with
a share of the pictures kept (`--sampling`: that part alone). With `--shadow`, another part alone:
throughput and latency beside a version in shadow. With `--attack`, another: hostile clients of many
kinds for some minutes, with ordinary clients beside them.
"""

import argparse
import http.client
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "helpers"), str(HERE), str(HERE / "attack")]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# ruff: noqa: E402 - the paths come first
import numpy as np
import orjson
import tensorflow as tf
from attack_report import report_attack
from PIL import Image
from rest_client import binary
from sampling_cost import sampling_cost
from serve_fuzz import Fuzzer
from serve_load import CLIENTS, send_requests
from server_process import ServerProcess, start_server
from shadow_cost import shadow_cost
from tiny_exports import export_tiny, push_of
from tiny_pictures import encode

from components.pusher.version_store import VersionStore
from trainer_module.training_options import BackboneOptions

#: Least throughput of serving, as a share of that of the loop.
LIMIT = 0.8
ROUNDS = 3
SWAPS = 5
SWAP_REQUESTS = 10_000
FUZZ_REQUESTS = 5_000
#: Pictures in a request of the second part, which all must be classified by one version.
PICTURES_PER_REQUEST = 2


def main() -> None:
    """Run the four parts; the exit code is 1 if one of them fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--requests", type=int, default=1600, help="per round of the first part")
    parser.add_argument("--sampling", action="store_true", help="keep pictures, and nothing else")
    parser.add_argument("--shadow", action="store_true", help="a version in shadow, nothing else")
    parser.add_argument("--attack", action="store_true", help="attack a server, and nothing else")
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the attack")
    parser.add_argument("--workspace", type=Path, help="workspace to attack; a tiny one if missing")
    parser.add_argument("--max-memory", default="1GiB", help="option of the attacked server")
    options = parser.parse_args()
    if options.attack:
        sys.exit(0 if attack(options) else 1)
    # The same picture is in shadow once.
    num_pictures = options.requests if options.shadow else CLIENTS
    pictures = [noise(seed) for seed in range(num_pictures)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        models = [
            export_tiny(root / f"model-{n}", n, options.image_size, BackboneOptions())
            for n in range(1 if options.sampling else 2 if options.shadow else SWAPS + 1)
        ]
        bodies = [orjson.dumps({"instances": [binary(picture)]}) for picture in pictures]
        if options.sampling:
            sys.exit(0 if sampling_cost(root, models[0], bodies, options.requests) else 1)
        if options.shadow:
            sys.exit(0 if shadow_cost(root, models, bodies, options.requests) else 1)
        store = VersionStore(root / "workspace", "bench")
        store.push(models[0], push_of(0))
        with start_server(store.root) as server:
            passed = [
                throughput(server, store, pictures, options.requests),
                swaps(server, store, models[1:], pictures),
                fuzz(server, pictures),
                server.stop() == 0,
            ]
        passed.append(sampling_cost(root, models[0], bodies, options.requests))
    print(
        f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} from all that runs on it"
    )
    sys.exit(0 if all(passed) else 1)


def attack(options: argparse.Namespace) -> bool:
    """Attack the server of a workspace, which must serve its ordinary clients all the same."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = options.workspace or Path(folder, "workspace")
        if not options.workspace:
            model = export_tiny(Path(folder, "model"), 0, options.image_size, BackboneOptions())
            VersionStore(workspace, "bench").push(model, push_of(0))
        bodies = [orjson.dumps({"instances": [binary(noise(seed))]}) for seed in range(CLIENTS)]
        return report_attack(workspace, Path(folder), bodies, options.minutes, options.max_memory)


def noise(seed: int, side: int = 200) -> bytes:
    """Return a JPEG of coarse noise, which has a usual number of bytes for its pixels."""
    coarse = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), np.uint8)
    return encode(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC), "JPEG")


def throughput(
    server: ServerProcess, store: VersionStore, pictures: list[bytes], requests: int
) -> bool:
    """Compare requests of single pictures with a loop over batches of the server's mean size."""
    function = tf.saved_model.load(str(store.path(1))).signatures["serving_default"]
    bodies = [orjson.dumps({"instances": [binary(picture)]}) for picture in pictures]
    path = "/v1/models/bench:predict"
    send_requests(server.client.address, path, bodies, CLIENTS * 10)
    ratios = []
    for number in range(1, ROUNDS + 1):
        calls = server.metric("carryover_batch_instances_count")
        load = send_requests(server.client.address, path, bodies, requests)
        size = max(1, round(requests / (server.metric("carryover_batch_instances_count") - calls)))
        by_loop = loop(function, pictures, size, requests)
        by_serve = requests / load.seconds
        ratios.append(by_serve / by_loop)
        print(
            f"round {number}: {CLIENTS} clients {by_serve:,.0f} pictures/s, batches of {size} on "
            f"average; loop of {size} {by_loop:,.0f} pictures/s; ratio {ratios[-1]:.2f}; "
            f"{len(load.failures)} failed"
        )
    ratio = statistics.median(ratios)
    print(f"throughput: {ratio:.2f} of the loop (median of {ROUNDS}; limit {LIMIT})")
    return ratio >= LIMIT


def loop(function: Any, pictures: list[bytes], size: int, count: int) -> float:
    """Return the pictures per second of calling a signature again and again."""
    batch = (pictures * (size // len(pictures) + 1))[:size]
    function(image=tf.constant(batch))
    started, calls = time.perf_counter(), -(-count // size)
    for _ in range(calls):
        outputs = function(image=tf.constant(batch))
        {name: value.numpy() for name, value in outputs.items()}
    return calls * size / (time.perf_counter() - started)


def swaps(
    server: ServerProcess, store: VersionStore, models: list[Path], pictures: list[bytes]
) -> bool:
    """Send requests while versions are pushed; each response must come from one version."""
    bodies = [
        orjson.dumps({"instances": [binary(picture) for picture in chosen(number, pictures)]})
        for number in range(len(pictures))
    ]
    before = server.metric("process_resident_memory_bytes")
    pushing = threading.Thread(target=push_all, args=(server, store, models))
    pushing.start()
    load = send_requests(server.client.address, "/v1/models/bench:predict", bodies, SWAP_REQUESTS)
    pushing.join()
    after = server.metric("process_resident_memory_bytes")
    known = [probabilities_of(store.path(version), pictures) for version in store.versions()]
    by_version: Counter[str] = Counter()
    for number, response in load.responses:
        predicted = [row["probabilities"] for row in response["predictions"]]
        matching = [
            version
            for version, expected in enumerate(known, 1)
            if np.allclose(predicted, chosen(number, expected), atol=1e-4)
        ]
        by_version[f"version {matching[0]}" if len(matching) == 1 else "no whole version"] += 1
    print(
        f"swaps: {SWAP_REQUESTS:,} requests in {load.seconds:.0f} s, {len(load.failures)} failed; "
        f"responses from {dict(sorted(by_version.items()))}; "
        f"memory {before / 2**20:,.0f} -> {after / 2**20:,.0f} MiB"
    )
    print(*load.failures[:5], sep="\n", end="")
    return "no whole version" not in by_version and len(by_version) > 1 and not load.failures


def chosen(number: int, rows: Any) -> list[Any]:
    """Return the pictures of a request, or the rows that belong to them, in the same order."""
    return [rows[(number + k) % len(rows)] for k in range(PICTURES_PER_REQUEST)]


def push_all(server: ServerProcess, store: VersionStore, models: list[Path]) -> None:
    """Push models one after another, each when the one before it is the serving version."""
    for number, model in enumerate(models, 1):
        version = store.push(model, push_of(number))
        while server.metric("carryover_serving_version") < version:
            time.sleep(0.2)


def probabilities_of(model: Path, pictures: list[bytes]) -> np.ndarray:
    """Return the probabilities of a SavedModel, [pictures, classes]."""
    function = tf.saved_model.load(str(model)).signatures["serving_default"]
    return function(image=tf.constant(pictures))["probabilities"].numpy()


def fuzz(server: ServerProcess, pictures: list[bytes]) -> bool:
    """Send malformed requests one after another; no response may have a status of 500 or more."""
    fuzzer = Fuzzer([*pictures[:4], encode(Image.new("RGBA", (40, 30)))], random.Random(7))  # noqa: S311
    codes: Counter[int] = Counter()
    memory = []
    connection = http.client.HTTPConnection(urlsplit(server.client.address).netloc, timeout=120)
    for number, (method, path, body) in enumerate(fuzzer.requests(FUZZ_REQUESTS)):
        if number % (FUZZ_REQUESTS // 5) == 0:
            memory.append(server.metric("process_resident_memory_bytes") / 2**20)
        connection.request(method, "/v1/models/bench" + quote(path, safe="/:?=%&"), body)
        response = connection.getresponse()
        response.read()
        codes[response.status] += 1
    memory.append(server.metric("process_resident_memory_bytes") / 2**20)
    print(f"fuzz: {FUZZ_REQUESTS:,} requests, responses by status {dict(sorted(codes.items()))}")
    print(f"fuzz: memory in MiB after each fifth: {', '.join(f'{one:,.0f}' for one in memory)}")
    # The first fifth fills caches; after it, memory must not grow.
    return max(codes) < 500 and memory[-1] < memory[1] * 1.05


if __name__ == "__main__":
    main()

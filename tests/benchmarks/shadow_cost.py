"""What a version in shadow costs the clients of a server: throughput and latency."""

import contextlib
import time
from pathlib import Path

from server_process import ServerProcess, start_server
from server_turns import compare_servers, warm_up
from tiny_exports import push_of

from components.pusher.version_store import VersionStore

#: Options of the servers; the first one is what the other is compared with. The version stays in
#: shadow for the whole benchmark.
OPTIONS = {
    "without": ("--no-shadow",),
    "shadow": ("--shadow", "--set", "serve.shadow_pictures=1000000"),
}

#: Least throughput with a version in shadow, as a share of that without.
LIMIT = 0.9


def shadow_cost(root: Path, models: list[Path], bodies: list[bytes], requests: int) -> bool:
    """Compare a server of one version with one that has another version in shadow.

    Args:
        root: Folder for their workspaces.
        models: Folders of the serving version and of the version in shadow.
        bodies: Bodies of requests with one picture each.
        requests: Number of requests per turn.

    Returns:
        Whether the throughput with the shadow is at least `LIMIT`, it serves nobody, and it has
        compared pictures.
    """
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, options in OPTIONS.items():
            store = VersionStore(root / name, "bench")
            store.push(models[0], push_of(0))
            server = stack.enter_context(start_server(store.root, *options))
            if name == "shadow":
                begin_shadow(server, store, models[1])
            warm_up(server, bodies)
            servers[name] = server
        shares = compare_servers(servers, bodies, requests, "serving")
        metrics = servers["shadow"].client.get("/metrics")[1].decode().splitlines()
        compared = sum(
            float(line.split()[-1])
            for line in metrics
            if line.startswith("carryover_shadow_pictures{")
        )
        dropped = servers["shadow"].metric("carryover_shadow_dropped_pictures")
        serving = servers["shadow"].metric("carryover_serving_version")
    print(f"shadow: {compared:,.0f} pictures compared, {dropped:,.0f} dropped")
    return shares["shadow"] >= LIMIT and compared > 0 and serving == 1


def begin_shadow(server: ServerProcess, store: VersionStore, model: Path) -> None:
    """Push a model, and wait until it is in shadow."""
    version = store.push(model, push_of(1))
    while server.metric("carryover_shadow_version") != version:
        time.sleep(0.2)

"""What keeping pictures costs a server: throughput and CPU with it off, at 0.1 and at 1.0."""

import contextlib
import statistics
from pathlib import Path

from serve_load import CLIENTS, send_requests
from server_process import ServerProcess, start_server
from tiny_exports import push_of

from components.pusher.version_store import VersionStore

#: Rates in the order of a round; the first one is what the others are compared with.
RATES = (0.0, 0.1, 1.0)
ROUNDS = 7

#: Least throughput with everything kept, as a share of that with nothing kept.
LIMIT = 0.95


def sampling_cost(root: Path, model: Path, bodies: list[bytes], requests: int) -> bool:
    """Compare three servers of one model, which get the same requests in turns.

    Args:
        root: Folder for their workspaces.
        model: Folder of the SavedModel.
        bodies: Bodies of requests with one picture each.
        requests: Number of requests per turn.

    Returns:
        Whether the throughput with everything kept is at least `LIMIT`, and everything was kept.
    """
    with contextlib.ExitStack() as stack:
        servers = []
        for rate in RATES:
            store = VersionStore(root / f"rate-{rate}", "bench")
            store.push(model, push_of(0))
            server = stack.enter_context(start_server(store.root, "--sample-requests", str(rate)))
            _turn(server, bodies, CLIENTS * 10)
            servers.append(server)
        rounds = [_round(servers, bodies, requests, number) for number in range(ROUNDS)]
        shares = []
        for column, rate in enumerate(RATES):
            speed, cpu = (statistics.median(one[column][k] for one in rounds) for k in (0, 1))
            of_speed, of_cpu = (
                statistics.median(one[column][k] / one[0][k] for one in rounds) for k in (0, 1)
            )
            shares.append(of_speed)
            print(
                f"sampling {rate}: {speed:,.0f} pictures/s, {of_speed:.3f} of those without; "
                f"{1000 * cpu:.2f} ms of CPU per picture, {of_cpu:.3f} of those without "
                f"(medians of {ROUNDS} rounds)"
            )
        kept = [server.metric("carryover_sampled_pictures_total") for server in servers]
        dropped = [server.metric("carryover_dropped_sampled_pictures_total") for server in servers]
    sent = CLIENTS * 10 + ROUNDS * requests
    print(f"sampling: of {sent:,} pictures per server kept {kept}, dropped {dropped}")
    return shares[-1] >= LIMIT and kept[-1] + dropped[-1] == sent and not any(dropped)


def _round(
    servers: list[ServerProcess], bodies: list[bytes], requests: int, number: int
) -> list[tuple[float, float]]:
    """Return pictures per second and seconds of CPU per picture of every server.

    The servers begin in turn, because what else runs on the machine changes with time.
    """
    measured = [(0.0, 0.0)] * len(servers)
    for place in range(len(servers)):
        column = (place + number) % len(servers)
        server = servers[column]
        cpu = server.metric("process_cpu_seconds_total")
        seconds = _turn(server, bodies, requests)
        spent = server.metric("process_cpu_seconds_total") - cpu
        measured[column] = (requests / seconds, spent / requests)
    return measured


def _turn(server: ServerProcess, bodies: list[bytes], requests: int) -> float:
    """Send requests, all of which must get a prediction, and return the seconds."""
    load = send_requests(server.client.address, "/v1/models/bench:predict", bodies, requests)
    assert not load.failures, load.failures[:3]
    return load.seconds

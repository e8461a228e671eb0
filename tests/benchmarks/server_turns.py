"""Compares servers that get the same requests in turns: throughput, CPU and latency."""

import statistics
from dataclasses import dataclass

import numpy as np
from serve_load import CLIENTS, send_requests
from server_process import ServerProcess

ROUNDS = 7

#: Requests with which every server begins.
WARM_UP = CLIENTS * 10


@dataclass(frozen=True)
class Turn:
    """What a server did in one turn.

    Attributes:
        speed: Pictures per second.
        cpu: Seconds of CPU per picture.
        median: Median latency of a request, in seconds.
        slowest: 99th percentile of the latency, in seconds.
    """

    speed: float
    cpu: float
    median: float
    slowest: float


def compare_servers(
    servers: dict[str, ServerProcess], bodies: list[bytes], requests: int, purpose: str
) -> dict[str, float]:
    """Print medians over `ROUNDS` rounds, and return throughputs as shares of the first server's.

    Args:
        servers: Servers of the model `bench` by name, warmed up.
        bodies: Bodies of requests with one picture each.
        requests: Number of requests per turn.
        purpose: First word of the lines.
    """
    rounds = [_round(servers, bodies, requests, number) for number in range(ROUNDS)]
    first = next(iter(servers))
    shares = {}
    for name in servers:
        turns = [one[name] for one in rounds]
        shares[name] = statistics.median(one[name].speed / one[first].speed for one in rounds)
        of_cpu = statistics.median(one[name].cpu / one[first].cpu for one in rounds)
        print(
            f"{purpose} {name}: {_median(turns, 'speed'):,.0f} pictures/s, {shares[name]:.3f} of "
            f"those of {first}; {1000 * _median(turns, 'cpu'):.2f} ms of CPU per picture, "
            f"{of_cpu:.3f} of {first}; latency {1000 * _median(turns, 'median'):.0f} ms, 99th "
            f"percentile {1000 * _median(turns, 'slowest'):.0f} ms (medians of {ROUNDS} rounds)"
        )
    return shares


def warm_up(server: ServerProcess, bodies: list[bytes]) -> None:
    """Send the first requests, `WARM_UP` of them."""
    take_turn(server, bodies, WARM_UP)


def take_turn(server: ServerProcess, bodies: list[bytes], requests: int) -> Turn:
    """Send requests, all of which must get a prediction."""
    cpu = server.metric("process_cpu_seconds_total")
    load = send_requests(server.client.address, "/v1/models/bench:predict", bodies, requests)
    assert not load.failures, load.failures[:3]
    spent = server.metric("process_cpu_seconds_total") - cpu
    median, slowest = np.percentile(load.latencies, [50, 99])
    return Turn(requests / load.seconds, spent / requests, float(median), float(slowest))


def _round(
    servers: dict[str, ServerProcess], bodies: list[bytes], requests: int, number: int
) -> dict[str, Turn]:
    """Give every server a turn.

    The servers begin in turn, because what else runs on the machine changes with time.
    """
    names = list(servers)
    order = [names[(place + number) % len(names)] for place in range(len(names))]
    return {name: take_turn(servers[name], bodies, requests) for name in order}


def _median(turns: list[Turn], field: str) -> float:
    return statistics.median(getattr(turn, field) for turn in turns)

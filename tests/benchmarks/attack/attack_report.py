"""Attack on a server for some minutes, and what it did to its ordinary clients."""

import os
import re
from pathlib import Path

from attacked_server import AttackedServer, Ordinary, attack, start_attacked

from pipeline.serving.limits.memory_size import parse_size
from pipeline.serving.server import SHUTDOWN_SECONDS

#: Seconds without an attack, in which the usual durations are measured.
QUIET_SECONDS = 30.0

#: Most that the 99th percentile of ordinary requests may grow under attack.
SLOWDOWN = 3.0


def report_attack(
    workspace: Path, scratch: Path, bodies: list[bytes], minutes: float, max_memory: str
) -> bool:
    """Attack the server of a workspace, print what came of it, and return whether it held.

    Args:
        workspace: Workspace with one model.
        scratch: Folder for the server's log.
        bodies: Bodies of ordinary requests.
        minutes: Length of the attack.
        max_memory: Value of the server's option --max-memory.
    """
    with start_attacked(workspace, scratch, max_memory) as server:
        server.serve_ordinary(bodies, 5)  # it prepares what it needs
        base = server.memory()
        quiet = server.serve_ordinary(bodies, QUIET_SECONDS)
        print(f"quiet: {_describe(quiet)}")
        server.peak_bytes = 0
        with attack(server) as attackers:
            attacked = server.serve_ordinary(bodies, 60 * minutes)
            aborted = _aborted_connections(server)
            code, seconds = server.stop()
        limit = _stated_limit(max_memory, base)
        log = server.log.read_text()
    print(f"attacked for {minutes:g} minutes: {_describe(attacked)}")
    for kind, statuses in sorted(attackers.items()):
        print(f"  {kind}: {', '.join(f'{key} {n}' for key, n in sorted(statuses.items()))}")
    print(f"connections closed by the server: {aborted or 'none'}")
    print(
        f"memory of the server and its decoders: {_mib(base)} before, peak under attack "
        f"{_mib(server.peak_bytes)}, limit {_mib(limit)}"
    )
    print(
        f"SIGTERM under attack: exit code {code} after {seconds:.1f} s (limit {SHUTDOWN_SECONDS})"
    )
    print(
        f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} from all that runs on it"
    )
    slowdown = attacked.percentile(99) / quiet.percentile(99)
    failures = {
        f"the 99th percentile grew {slowdown:.1f} times": not slowdown <= SLOWDOWN,
        "an ordinary request got another status than 200 or 503": bool(
            set(attacked.statuses) - {"200", "503"}
        ),
        "a response had status 500": any("500" in one for one in attackers.values()),
        f"health was not served: {attacked.health_failures[:3]}": bool(attacked.health_failures),
        "the memory exceeded its limit": server.peak_bytes > limit,
        f"the server took {seconds:.0f} s to end": seconds > SHUTDOWN_SECONDS + 1,
        f"the log has a traceback: {log[-2000:]}": "Traceback" in log,
    }
    for failure in (text for text, is_failure in failures.items() if is_failure):
        print(f"FAILED: {failure}")
    return not any(failures.values())


def _describe(ordinary: Ordinary) -> str:
    statuses = ", ".join(f"{key} {n}" for key, n in sorted(ordinary.statuses.items()))
    return (
        f"ordinary requests: p50 {ordinary.percentile(50):,.0f} ms, p99 "
        f"{ordinary.percentile(99):,.0f} ms; responses by status: {statuses}; health failed "
        f"{len(ordinary.health_failures)} times"
    )


def _stated_limit(max_memory: str, base: int) -> int:
    """Return the limit that docs/serving.md states: the idle server, and the memory of requests."""
    return base + parse_size("--max-memory", max_memory)


def _aborted_connections(server: AttackedServer) -> str:
    pattern = r'^carryover_aborted_connections_total\{reason="(.*)"\} (\d+)'
    return ", ".join(f"{why} {n}" for why, n in re.findall(pattern, server.metrics(), re.M))


def _mib(num_bytes: float) -> str:
    return f"{num_bytes / 2**20:,.0f} MiB"

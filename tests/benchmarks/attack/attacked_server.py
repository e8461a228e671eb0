"""A server under attack, with ordinary clients beside the attackers."""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]

#: Ordinary clients, each of which sends a picture and then waits.
ORDINARY_CLIENTS = 4
PAUSE = 0.2

#: Seconds that an ordinary client waits for a response.
PATIENCE = 60


@dataclass
class Ordinary:
    """Responses to the ordinary clients of one phase.

    Attributes:
        seconds: Durations of the requests that got predictions.
        statuses: Number of responses by status, and of errors of connections by name.
        health_failures: What was wrong when /healthz, /readyz or /metrics was not served.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    health_failures: list[str] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """Return a percentile of the durations in milliseconds."""
        return float(np.percentile(self.seconds, percent)) * 1e3 if self.seconds else float("nan")


@dataclass
class AttackedServer:
    """`carryover serve` as a process, and its memory.

    Attributes:
        process: Process of the server.
        port: Port on the loopback.
        model: Name of the model.
        log: File with what the server writes to stderr.
        peak_bytes: Most memory of the server and its children at a time.
    """

    process: subprocess.Popen[str]
    port: int
    model: str
    log: Path
    peak_bytes: int = 0

    def serve_ordinary(self, bodies: list[bytes], seconds: float) -> Ordinary:
        """Send ordinary requests for some time.

        Args:
            bodies: Bodies of the requests.
            seconds: Time to send them.
        """
        ordinary, end = Ordinary(), time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._send, args=(ordinary, bodies, number, end))
            for number in range(ORDINARY_CLIENTS)
        ]
        threads += [threading.Thread(target=self._watch, args=(ordinary, end))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return ordinary

    def memory(self) -> int:
        """Return the resident bytes of the server and its children."""
        return sum(_resident_bytes(pid) for pid in _family(self.process.pid))

    def metrics(self) -> str:
        """Return the text of /metrics."""
        address = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as response:
            return str(response.read().decode())

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds until the end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120), time.monotonic() - started

    def _send(self, ordinary: Ordinary, bodies: list[bytes], number: int, end: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        while time.monotonic() < end:
            started = time.monotonic()
            try:
                connection.request(
                    "POST", f"/v1/models/{self.model}:predict", bodies[number % len(bodies)]
                )
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                ordinary.statuses[type(error).__name__] += 1
                connection.close()
                continue
            ordinary.statuses[str(response.status)] += 1
            if response.status == 200:
                ordinary.seconds.append(time.monotonic() - started)
            number += 1
            time.sleep(PAUSE)

    def _watch(self, ordinary: Ordinary, end: float) -> None:
        """Ask for the health every second, and note the memory many times a second."""
        next_check = 0.0
        while time.monotonic() < end:
            self.peak_bytes = max(self.peak_bytes, self.memory())
            if time.monotonic() >= next_check:
                next_check = time.monotonic() + 1
                ordinary.health_failures += self._check_health()
            time.sleep(0.05)

    def _check_health(self) -> list[str]:
        failures = []
        for path in ("/healthz", "/readyz", "/metrics"):
            address = f"http://127.0.0.1:{self.port}{path}"
            try:
                urllib.request.urlopen(address, timeout=10).read()
            except OSError as error:
                failures.append(f"{path}: {error!r}")
        return failures


@contextlib.contextmanager
def start_attacked(workspace: Path, scratch: Path, max_memory: str) -> Iterator[AttackedServer]:
    """Serve a workspace's only model in a process that starts as for a user.

    Args:
        workspace: Workspace with a version.
        scratch: Folder for the log.
        max_memory: Value of the option --max-memory.
    """
    log = scratch / "serve.log"
    command = [sys.executable, "-m", "pipeline.cli", "serve", "-w", str(workspace), "--port", "0"]
    command += ["--max-memory", max_memory]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        assert process.stdout is not None
        announced = re.match(r"Serving model '(.+)' at .*:(\d+)\n", process.stdout.readline())
        if not announced:
            raise RuntimeError(log.read_text())
        yield AttackedServer(process, int(announced[2]), announced[1], log)
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def attack(server: AttackedServer) -> Iterator[dict[str, dict[str, int]]]:
    """Attack a server in the body of a `with` statement.

    Yields:
        Responses by kind of attack and status, filled at the end.
    """
    program = Path(__file__).with_name("attackers.py")
    statuses: dict[str, dict[str, int]] = {}
    command = [sys.executable, str(program), str(server.port), server.model]
    attackers = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with attackers:
        assert attackers.stdout is not None
        assert attackers.stdout.readline() == "ready\n"  # it has made its bombs
        yield statuses
        statuses.update(json.loads(attackers.communicate()[0]))


def _family(pid: int) -> list[int]:
    """Return the ids of a process and its children.

    A child that has not started its program yet is left out: it shares its parent's memory.
    """
    pids = [pid]
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += [int(child) for child in children.read_text().split()]
    return [one for one in pids if one == pid or _command(one) != _command(pid)]


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024
    return 0

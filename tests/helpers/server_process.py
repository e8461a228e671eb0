"""`carryover serve` as a process of its own."""

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import warm_process
from rest_client import RestClient

#: Seconds after which a server should have loaded its model, on a busy machine.
LOADING_TIME = 120

#: What the server prints when it is ready.
ANNOUNCEMENT = r"Serving model '(.+)' at (http://[^\s,]+)(?:, and at (\S+) over gRPC)?\n"


@dataclass(frozen=True)
class ServerProcess:
    """A running server with a loaded version.

    Attributes:
        client: Client of the server.
        process: Process of the server.
        log: File that holds the server's stderr.
        grpc_address: Host and port for gRPC; None without it.
    """

    client: RestClient
    process: warm_process.WarmProcess
    log: Path
    grpc_address: str | None = None

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        text = self.client.get("/metrics")[1].decode()
        [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])


@contextlib.contextmanager
def start_server(workspace: Path, *options: str) -> Iterator[ServerProcess]:
    """Serve a workspace's only model on a free port of the loopback; yield when it is loaded."""
    output, log = workspace / "serve.out", workspace / "serve.log"
    output.unlink(missing_ok=True)  # what an earlier server of the workspace has said
    arguments = ["serve", "-w", str(workspace), "--port", "0", *options]
    process = warm_process.start("pipeline.cli", arguments, stdout=output, stderr=log)
    try:
        name, address, grpc_address = _wait_for_addresses(process, output, log)
        yield ServerProcess(RestClient(address, name), process, log, grpc_address)
    finally:
        if process.poll():
            print(f"the server ended with {process.returncode}:\n{log.read_text()[-5000:]}")
        process.kill_group()


def _wait_for_addresses(
    process: warm_process.WarmProcess, output: Path, log: Path
) -> tuple[str, str, str | None]:
    """Return the model's name and the addresses, which the server prints when it is ready."""
    deadline = time.monotonic() + LOADING_TIME
    while process.poll() is None and time.monotonic() < deadline:
        text = output.read_text() if output.exists() else ""
        if said := re.match(ANNOUNCEMENT, text):
            return said[1], said[2], said[3]
        time.sleep(0.05)
    raise AssertionError(log.read_text())

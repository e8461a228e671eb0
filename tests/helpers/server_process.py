"""`carryover serve` as a process of its own."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repository import ROOT
from rest_client import RestClient


@dataclass(frozen=True)
class ServerProcess:
    """A running server with a loaded version.

    Attributes:
        client: Client of the server.
        process: Process of the server.
        log: File that holds the server's stderr.
    """

    client: RestClient
    process: subprocess.Popen[str]
    log: Path

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
def start_server(workspace: Path) -> Iterator[ServerProcess]:
    """Serve a workspace's only model on a free port of the loopback; yield when it is loaded."""
    log = workspace / "serve.log"
    command = [sys.executable, "-m", "pipeline.cli", "serve", "-w", str(workspace), "--port", "0"]
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            said = re.match(r"Serving model '(.+)' at (\S+)", process.stdout.readline())
            assert said, log.read_text()
            yield ServerProcess(RestClient(said[2], said[1]), process, log)
        finally:
            if process.poll():
                print(f"the server ended with {process.returncode}:\n{log.read_text()[-5000:]}")
            process.kill()

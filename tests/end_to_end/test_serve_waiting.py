"""`carryover serve` before there is a version that it can load."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import warm_process
from ports import free_ports
from rest_client import RestClient, binary
from test_serve import wait_for
from tiny_exports import push_of
from tiny_models import ColourModel, save_model
from tiny_pictures import solid

from components.pusher.version_store import VersionStore

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def waiting_server(workspace: Path, port: int) -> Iterator[tuple[warm_process.WarmProcess, Path]]:
    """Serve a workspace with a model that has no version; yield the process and its log."""
    (workspace / "serving" / "colours").mkdir(parents=True)
    log = workspace / "serve.log"
    process = warm_process.start(
        "pipeline.cli",
        ["serve", "-w", str(workspace), "--port", str(port)],
        stdout=workspace / "serve.out",
        stderr=log,
    )
    try:
        wait_for(lambda: log.exists() and "no version is there yet" in log.read_text())
        yield process, log
    finally:
        process.kill_group()


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def test_the_port_opens_when_a_version_arrives(tmp_path):
    [port] = free_ports(1)
    model = save_model(tmp_path / "model", ColourModel())
    with waiting_server(tmp_path / "workspace", port) as (process, log):
        assert not is_open(port)
        VersionStore(tmp_path / "workspace", "colours").push(model, push_of(1))
        wait_for(lambda: is_open(port))
        client = RestClient(f"http://127.0.0.1:{port}", "colours")
        assert client.predict({"instances": [binary(solid("red"))]}).status == 200
        assert client.get("/readyz") == (200, b"ok\n")
        assert log.read_text().count("no version is there yet") == 1
        process.terminate()
        assert process.wait(60) == 0


def test_a_server_that_waits_ends_with_a_signal(tmp_path):
    with waiting_server(tmp_path, *free_ports(1)) as (process, log):
        process.terminate()
        assert process.wait(60) == 0
        assert "Traceback" not in log.read_text()

"""The first request to `carryover serve` takes no more work than those after it."""

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from grpc_client import GrpcClient
from rest_client import binary
from server_process import ServerProcess, start_server
from tiny_exports import export_tiny, push_of
from tiny_pictures import encode, photo

from components.pusher.version_store import VersionStore
from trainer_module.training_options import BackboneOptions

pytestmark = pytest.mark.slow

#: Requests after the first one, and most work of the first one in medians of theirs.
FOLLOWING, MOST = 20, 2.0


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that no request has been sent to, with a backbone of usual size."""
    folder = tmp_path_factory.mktemp("first")
    model = export_tiny(folder / "model", 1, image_size=96, backbone=BackboneOptions())
    VersionStore(folder / "workspace", "shapes").push(model, push_of(1))
    with start_server(folder / "workspace", "--grpc-port", "0") as running:
        yield running


def seconds_of_cpu(server: psutil.Process) -> float:
    """Seconds of CPU of a server and of its processes: what waits for other programs is no work."""
    processes = [server, *server.children(recursive=True)]
    threads = [path for one in processes for path in Path(f"/proc/{one.pid}/task").iterdir()]
    return sum(int((path / "schedstat").read_text().split()[0]) for path in threads) / 1e9


def work_of_first(server: ServerProcess, send: Callable[[], object]) -> float:
    """Send requests; return the work of the first one in medians of the following ones."""
    process, work = psutil.Process(server.process.pid), []
    for _ in range(1 + FOLLOWING):
        before = seconds_of_cpu(process)
        send()
        work.append(seconds_of_cpu(process) - before)
    return work[0] / statistics.median(work[1:])


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_the_first_request_with_a_picture_is_not_slower(server, form):
    request = {"instances": [binary(encode(photo(), form))]}

    def send() -> None:
        assert server.client.predict(request).status == 200

    assert work_of_first(server, send) <= MOST


def test_the_first_call_over_grpc_is_not_slower(server):
    with GrpcClient(server.grpc_address, "shapes") as client:
        assert work_of_first(server, lambda: client.predict([encode(photo(), "JPEG")])) <= MOST


def test_the_first_batch_is_not_slower(server):
    request = {"instances": [binary(encode(photo(), "JPEG"))] * 2}

    def send() -> None:
        assert server.client.predict(request).status == 200

    assert work_of_first(server, send) <= MOST

"""`carryover serve --sample-requests` as a process: what it keeps, and what a kill loses."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_client import GrpcClient
from rest_client import binary
from server_process import ServerProcess, start_server
from test_serve import BROKEN, PICTURES, example
from tiny_exports import LABELS, export_tiny, push_of
from tiny_pictures import solid

from components.pusher.version_store import VersionStore
from pipeline.traffic.traffic_store import read_traffic, traffic_folder

pytestmark = pytest.mark.slow

#: A picture that is converted before the model is called.
CONVERTED = solid((9, 200, 90), form="WEBP")

#: Seconds of requests before the server is killed, and what of them may be lost.
KILLED_AFTER, MAX_LOST = 4.0, 1.0


@pytest.fixture(name="root", scope="module")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose version knows novelty."""
    folder = tmp_path_factory.mktemp("sampling")
    model = export_tiny(folder / "model", seed=1, with_rule=True)
    VersionStore(folder / "workspace", "shapes").push(model, push_of(1))
    return folder / "workspace"


@pytest.fixture(name="server")
def _server(root: Path) -> Iterator[ServerProcess]:
    """A server that keeps everything, with nothing kept before."""
    for file in traffic_folder(root).glob("*"):
        file.unlink()
    options = ["--grpc-port", "0", "--sample-requests", "1", "--domain", "day"]
    with start_server(root, *options) as running:
        yield running


def test_pictures_are_kept_as_sent_with_the_predictions_that_the_client_got(root, server):
    started = time.time()
    instances = {"instances": [binary(PICTURES[0]), binary(CONVERTED)]}
    predictions = server.client.predict(instances).body["predictions"]
    with GrpcClient(server.grpc_address, "shapes") as client:
        night = [("carryover-domain", "K%C3%BCche")]
        client.predict([PICTURES[1]], metadata=night)
        examples = [example(PICTURES[2], LABELS[0])]
        client.predict(examples, signature="serving_examples", input_name="examples")
        client.predict([PICTURES[0]], signature="embed")
        with pytest.raises(grpc.RpcError) as refused:
            client.predict([PICTURES[1]], metadata=[("carryover-domain", "a/b")])
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "header carryover-domain: domain 'a/b'" in refused.value.details()
    headers = {"Carryover-Domain": "night"}
    assert server.client.predict({"instances": [binary(BROKEN)]}, headers=headers).status == 400
    refusal = server.client.predict(instances, headers={"Carryover-Domain": "_x"})
    assert refusal.status == 400
    assert "header carryover-domain" in refusal.body["error"]
    server.client.predict({"instances": [binary(PICTURES[0])]}, headers=headers)
    assert server.stop() == 0

    kept = list(read_traffic(traffic_folder(root)))
    sent = [PICTURES[0], CONVERTED, PICTURES[1], PICTURES[2], PICTURES[0]]
    assert [record.image for record in kept] == sent
    assert [record.domain for record in kept] == ["day", "day", "K\u00fcche", "day", "night"]
    assert {record.version for record in kept} == {1}
    assert all(started < record.time < time.time() for record in kept)
    for record, prediction in zip(kept, predictions, strict=False):
        assert record.label == prediction["label"]
        assert record.accepted == prediction["accepted"]
        assert record.confidence == pytest.approx(prediction["confidence"])
        assert record.novelty == pytest.approx(prediction["novelty"])
    assert kept[3].novelty is None  # that signature has no such output


def test_a_killed_server_loses_a_second_of_its_traffic_at_most(root, server):
    answered: list[float] = []
    started = time.monotonic()
    while time.monotonic() < started + KILLED_AFTER:
        assert server.client.predict({"instances": [binary(PICTURES[0])]}).status == 200
        answered.append(time.time())
        time.sleep(0.05)
    server.process.send_signal(signal.SIGKILL)
    killed = time.time()
    server.process.wait(30)
    kept = list(read_traffic(traffic_folder(root)))
    assert len(kept) >= sum(moment < killed - MAX_LOST for moment in answered) > 10
    assert killed - kept[-1].time < MAX_LOST


def test_nothing_is_kept_unless_it_is_asked_for(root):
    for file in traffic_folder(root).glob("*"):
        file.unlink()
    with start_server(root) as running:
        request = {"instances": [binary(PICTURES[0])]}
        assert running.client.predict(request, headers={"Carryover-Domain": "x"}).status == 200
        assert running.metric("carryover_sampled_pictures_total") == 0
        assert running.stop() == 0
    assert list(traffic_folder(root).glob("*")) == []

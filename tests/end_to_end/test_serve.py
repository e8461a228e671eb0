"""`carryover serve` as a process, with models as the trainer exports them."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
import tensorflow as tf
import tiny_backbone
from rest_client import RestClient, binary
from server_process import ServerProcess, start_server
from tiny_exports import LABELS, export_tiny, push_of, push_tiny
from tiny_pictures import encode, gradient, solid, write_files

from components.pusher.version_store import VersionStore

pytestmark = pytest.mark.slow

PICTURES = [solid("red"), encode(gradient()), solid((9, 200, 90), form="JPEG")]
BROKEN = solid("red", form="JPEG")[:300]


@pytest.fixture(name="server", scope="module")
def _server(store: VersionStore) -> Iterator[ServerProcess]:
    with start_server(store.root) as running:
        yield running


@pytest.fixture(name="client")
def _client(server: ServerProcess) -> RestClient:
    return server.client


def example(picture: bytes, label: str) -> bytes:
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(picture)
    made.features.feature["label"].bytes_list.value.append(label.encode())
    return made.SerializeToString()


def expected(store: VersionStore, version: int) -> dict[str, np.ndarray]:
    """Outputs of the SavedModel itself for the pictures."""
    loaded = tf.saved_model.load(str(store.path(version)))
    outputs = loaded.signatures["serving_default"](image=tf.constant(PICTURES))
    return {name: value.numpy() for name, value in outputs.items()}


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll until a condition holds, for at most a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def state(client: RestClient, version: int) -> str | None:
    response = client.status(version)
    return response.body["model_version_status"][0]["state"] if response.status == 200 else None


def test_responses_hold_the_outputs_of_the_saved_model_in_every_format(client, store):
    wanted = expected(store, 1)
    values = [binary(picture) for picture in PICTURES]
    plain = client.predict({"instances": values})
    assert plain.status == 200
    rows = plain.body["predictions"]
    assert [row["label"] for row in rows] == [label.decode() for label in wanted["label"]]
    for name in ("confidence", "probabilities"):
        np.testing.assert_allclose([row[name] for row in rows], wanted[name], atol=1e-5)
    named = client.predict({"instances": [{"image": value} for value in values]})
    columns = client.predict({"inputs": {"image": values}}).body["outputs"]
    for name in ("confidence", "probabilities"):
        np.testing.assert_allclose([row[name] for row in named.body["predictions"]], columns[name])
    assert columns["label"] == [row["label"] for row in rows]


def test_every_signature_can_be_called_over_http(client):
    examples = [binary(example(picture, LABELS[2])) for picture in PICTURES]
    request = {"instances": [binary(picture) for picture in PICTURES]}
    pictures = client.predict(request).body["predictions"]
    served_examples = {"signature_name": "serving_examples", "instances": examples}
    for one, other in zip(
        pictures, client.predict(served_examples).body["predictions"], strict=True
    ):
        np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=1e-5)
    ids = {"signature_name": "label_id", "instances": examples}
    assert client.predict(ids).body == {"predictions": [2, 2, 2]}
    embedding = client.predict(request | {"signature_name": "embed"}).body["predictions"]
    assert np.shape(embedding) == (3, tiny_backbone.DIM)


def test_the_metadata_describe_the_signatures(client):
    signatures = client.metadata().body["metadata"]["signature_def"]["signature_def"]
    classify = signatures["serving_default"]
    assert classify["method_name"] == "tensorflow/serving/predict"
    assert classify["inputs"]["image"]["dtype"] == "DT_STRING"
    assert classify["inputs"]["image"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]
    sizes = [side["size"] for side in classify["outputs"]["probabilities"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", str(len(LABELS))]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"instances": [binary(PICTURES[0]), binary(BROKEN)]}, "instance 1: damaged"),
        (
            {"signature_name": "serving_examples", "instances": [binary(example(BROKEN, "x"))]},
            "instance 0: damaged",
        ),
        (
            {"signature_name": "serving_examples", "instances": [{"b64": "/w=="}]},
            "instance 0: not a serialized tf.Example",
        ),
        (
            {"signature_name": "label_id", "instances": [binary(example(BROKEN, "x")), ""]},
            "instance 0: damaged",
        ),
        (
            {"signature_name": "label_id", "instances": [binary(example(PICTURES[0], "x")), ""]},
            "instance 1: ",
        ),
    ],
)
def test_damaged_instances_get_an_error_with_the_reason(client, request_, reason):
    response = client.predict(request_)
    assert response.status == 400
    assert response.body["error"].startswith(reason)


def test_pushes_and_rollbacks_fail_no_request_and_every_response_is_of_one_version(
    server, client, store
):
    request = {"instances": [binary(picture) for picture in PICTURES]}
    responses, stop = [], threading.Event()

    def send_requests() -> None:
        while not stop.is_set():
            responses.append(client.predict(request))

    sender = threading.Thread(target=send_requests)
    sender.start()
    try:
        push_tiny(store, store.root / "second", seed=2)
        wait_for(lambda: server.metric("carryover_serving_version") == 2)
        store.push(write_files(store.root / "broken", {"saved_model.pb": b"no graph"}), push_of(3))
        wait_for(lambda: state(client, 3) == "END")
        known = [expected(store, version) for version in (1, 2)]
        store.roll_back()
        store.roll_back()
        wait_for(lambda: server.metric("carryover_serving_version") == 1)
        wait_for(lambda: state(client, 2) == "END")
    finally:
        stop.set()
        sender.join()
    assert {response.status for response in responses} == {200}
    matches = []  # of every response: whether all of it comes from version 1, from version 2
    for response in responses:
        predicted = [row["probabilities"] for row in response.body["predictions"]]
        matches.append(
            [np.allclose(predicted, outputs["probabilities"], atol=1e-4) for outputs in known]
        )
    assert all(any(of_response) for of_response in matches)
    assert matches[0] == [True, False]
    assert [False, True] in matches
    assert client.predict(request, version=2).status == 404


def test_the_status_of_a_version_that_cannot_be_loaded_has_the_reason(store, tmp_path):
    other = VersionStore(tmp_path, "other")
    other.push(export_tiny(tmp_path / "good", seed=4), push_of(4))
    other.push(write_files(tmp_path / "bad", {"saved_model.pb": b"no graph"}), push_of(5))
    with start_server(tmp_path) as running:
        newest, before = running.client.status().body["model_version_status"]
        assert (newest["version"], newest["state"]) == ("2", "END")
        assert newest["status"]["error_code"] == "UNKNOWN"
        assert newest["status"]["error_message"]
        assert (before["version"], before["state"]) == ("1", "AVAILABLE")
        assert "version 2 cannot be loaded" in running.log.read_text()


def test_after_sigterm_open_requests_get_responses_and_the_exit_code_is_zero(tmp_path):
    store = VersionStore(tmp_path, "shapes")
    push_tiny(store, tmp_path / "model", seed=6)
    body = json.dumps({"instances": [binary(PICTURES[0])]}).encode()
    lines = ["POST /v1/models/shapes:predict HTTP/1.1", "Host: localhost"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", ""])
    with start_server(tmp_path) as running:
        address = urlsplit(running.client.address)
        server = (address.hostname, address.port)
        with socket.create_connection(server, timeout=60) as connection:
            connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            # The server sends this when it waits for the body: the request is open.
            assert connection.recv(1024).startswith(b"HTTP/1.1 100")
            running.process.terminate()
            wait_for(lambda: not accepts_connections(server))
            connection.sendall(body)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == 200
            assert len(json.load(response)["predictions"]) == 1
        assert running.process.wait(60) == 0
        assert "Traceback" not in running.log.read_text()


def accepts_connections(server: tuple[str, int]) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(server) == 0

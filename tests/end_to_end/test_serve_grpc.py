"""`carryover serve --grpc-port` as a process, and clients with the official stubs."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_client import GrpcClient, predict_request
from rest_client import binary
from server_process import ServerProcess, start_server
from test_serve import BROKEN, PICTURES, example, expected, wait_for
from tiny_exports import LABELS, push_tiny
from tiny_models import ColourModel, save_model
from tiny_pictures import write_files

from components.pusher.version_store import Push, VersionStore

pytestmark = pytest.mark.slow

#: Requests of the test of pushes; `bench_serve_grpc.py` sends 10,000.
SWAP_REQUESTS = 200


@pytest.fixture(name="server", scope="module")
def _server(store: VersionStore) -> Iterator[ServerProcess]:
    options = ["--grpc-port", "0", "--version-label", "first=1", "--version-label", "best=newest"]
    with start_server(store.root, *options) as running:
        yield running


@pytest.fixture(name="client")
def _client(server: ServerProcess) -> Iterator[GrpcClient]:
    with GrpcClient(server.grpc_address, "shapes") as client:
        yield client


def outputs(response) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def version_of(client: GrpcClient, label: str) -> int:
    """Return the version that responds to a request for a label."""
    request = predict_request("shapes", PICTURES)
    request.model_spec.version_label = label
    return client.prediction.Predict(request, timeout=60).model_spec.version.value


def test_grpc_and_rest_respond_with_the_same_outputs(client, server, store):
    wanted = expected(store, 1)
    by_grpc = outputs(client.predict(PICTURES))
    request = {"inputs": [binary(picture) for picture in PICTURES]}
    by_rest = server.client.predict(request).body["outputs"]
    assert by_grpc.keys() == by_rest.keys() == wanted.keys()
    assert [label.decode() for label in by_grpc["label"]] == by_rest["label"]
    for name in ("confidence", "probabilities"):
        assert by_grpc[name].dtype == np.float32
        # The batches may differ, and with them the last digits.
        np.testing.assert_allclose(by_grpc[name], by_rest[name], rtol=1e-5)
        np.testing.assert_allclose(by_grpc[name], wanted[name], atol=1e-5)
    assert client.predict(PICTURES).outputs["probabilities"].float_val


def test_every_signature_can_be_called_over_grpc(client):
    examples = [example(picture, LABELS[2]) for picture in PICTURES]
    ids = client.predict(examples, signature="label_id", input_name="examples")
    assert ids.outputs["label_id"].int64_val == [2, 2, 2]
    by_example = client.predict(examples, signature="serving_examples", input_name="examples")
    by_picture = outputs(client.predict(PICTURES))["probabilities"]
    np.testing.assert_allclose(outputs(by_example)["probabilities"], by_picture, atol=1e-5)
    assert outputs(client.predict(PICTURES, signature="embed"))["embedding"].shape[0] == 3


def test_a_damaged_picture_is_named(client):
    with pytest.raises(grpc.RpcError) as error:
        client.predict([PICTURES[0], BROKEN])
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.value.details().startswith("instance 1: damaged")


def test_pushes_and_rollbacks_fail_no_request_and_every_response_is_of_one_version(
    server, client, store
):
    responses, stop = [], threading.Event()

    def send_requests() -> None:
        while not stop.is_set() or len(responses) < SWAP_REQUESTS:
            responses.append(client.predict(PICTURES))

    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(send_requests)
        try:
            push_tiny(store, store.root / "second", seed=2)
            wait_for(lambda: server.metric("carryover_serving_version") == 2)
            known = {version: expected(store, version) for version in (1, 2)}
            assert version_of(client, "best") == 2
            assert version_of(client, "first") == 1
            store.roll_back()
            wait_for(lambda: server.metric("carryover_serving_version") == 1)
        finally:
            stop.set()
        sending.result()
    for response in responses:
        wanted = known[response.model_spec.version.value]["probabilities"]
        np.testing.assert_allclose(outputs(response)["probabilities"], wanted, atol=1e-4)
    assert {response.model_spec.version.value for response in responses} == {1, 2}


class SlowModel(ColourModel):
    """A model that takes up to a second for a call."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def classify(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        matrix = tf.random.stateless_uniform([1000, 1000], [1, 2])
        for _ in tf.range(10):
            matrix = tf.linalg.l2_normalize(matrix @ matrix)
        colours = self._first_pixels(image) + 0 * matrix[0, 0]
        return {"label": tf.strings.as_string(colours[:, 0]), "probabilities": colours}


def test_after_sigterm_open_requests_get_responses_and_the_exit_code_is_zero(tmp_path):
    store = VersionStore(tmp_path, "slow")
    model = save_model(tmp_path / "model", SlowModel())
    store.push(model, Push("1", "run", "key", None, "2024-01-01T00:00:00+00:00", {}))
    with (
        start_server(tmp_path, "--grpc-port", "0") as running,
        GrpcClient(running.grpc_address, "slow") as client,
        ThreadPoolExecutor(1) as threads,
    ):
        calls = running.metric("carryover_batch_instances_count")
        open_request = threads.submit(client.predict, PICTURES)
        wait_for(lambda: running.metric("carryover_batch_instances_count") > calls)
        running.process.terminate()
        assert running.process.wait(60) == 0
        assert open_request.result().model_spec.version.value == 1
        assert "Traceback" not in running.log.read_text()


def test_two_servers_cannot_share_a_port(server, tmp_path):
    store = VersionStore(tmp_path, "shapes")
    write_files(store.path(1), {"saved_model.pb": b"x"})
    port = server.grpc_address.rpartition(":")[2]
    with (
        pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1, port {port}"),
        start_server(tmp_path, "--grpc-port", port),
    ):
        pass

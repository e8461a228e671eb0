"""The real command on models as the trainer exports them."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf
from rest_client import RestClient, binary
from served import Served, served
from tiny_exports import LABELS, export_tiny, push_of, push_tiny
from tiny_pictures import encode, gradient, solid, write_files

from components.pusher.version_store import VersionStore

pytestmark = pytest.mark.slow

PICTURES = [solid("red"), encode(gradient()), solid((9, 200, 90), form="JPEG")]
BROKEN = solid("red", form="JPEG")[:300]


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> VersionStore:
    store = VersionStore(tmp_path_factory.mktemp("workspace"), "shapes")
    push_tiny(store, store.root / "first", seed=1)
    return store


@pytest.fixture(name="server", scope="module")
def _server(store: VersionStore) -> Iterator[Served]:
    with served(store.root) as running:
        yield running


@pytest.fixture(name="client")
def _client(server: Served) -> RestClient:
    return server.client


def example(picture: bytes, label: str) -> bytes:
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(picture)
    made.features.feature["label"].bytes_list.value.append(label.encode())
    return made.SerializeToString()


def expected(store: VersionStore, version: int) -> dict[str, np.ndarray]:
    """What the SavedModel itself answers to the pictures."""
    loaded = tf.saved_model.load(str(store.path(version)))
    answer = loaded.signatures["serving_default"](image=tf.constant(PICTURES))
    return {name: value.numpy() for name, value in answer.items()}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def state(client: RestClient, version: int) -> str | None:
    reply = client.status(version)
    return reply.body["model_version_status"][0]["state"] if reply.status == 200 else None


def test_answers_are_those_of_the_saved_model_in_every_format(client, store):
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


def test_every_signature_answers_over_http(client):
    examples = [binary(example(picture, LABELS[2])) for picture in PICTURES]
    asked = {"instances": [binary(picture) for picture in PICTURES]}
    pictures = client.predict(asked).body["predictions"]
    served_examples = {"signature_name": "serving_examples", "instances": examples}
    for one, other in zip(
        pictures, client.predict(served_examples).body["predictions"], strict=True
    ):
        np.testing.assert_allclose(one["probabilities"], other["probabilities"], atol=1e-5)
    ids = {"signature_name": "label_id", "instances": examples}
    assert client.predict(ids).body == {"predictions": [2, 2, 2]}
    embedding = client.predict(asked | {"signature_name": "embed"}).body["predictions"]
    assert np.shape(embedding) == (3, 1280)


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
def test_damaged_contents_are_refused_with_the_reason(client, request_, reason):
    reply = client.predict(request_)
    assert reply.status == 400
    assert reply.body["error"].startswith(reason)


def test_versions_come_and_go_without_a_failed_request(server, client, store):
    request = {"instances": [binary(picture) for picture in PICTURES]}
    replies, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            replies.append(client.predict(request))

    asking = threading.Thread(target=ask)
    asking.start()
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
        asking.join()
    assert {reply.status for reply in replies} == {200}
    given = [[row["probabilities"] for row in reply.body["predictions"]] for reply in replies]
    whole = [[np.allclose(one, of["probabilities"], atol=1e-4) for of in known] for one in given]
    assert all(any(matches) for matches in whole)
    assert whole[0] == [True, False]
    assert [False, True] in whole
    assert client.predict(request, version=2).status == 404


def test_a_version_that_cannot_be_loaded_says_why(store, tmp_path):
    other = VersionStore(tmp_path, "other")
    other.push(export_tiny(tmp_path / "good", seed=4), push_of(4))
    other.push(write_files(tmp_path / "bad", {"saved_model.pb": b"no graph"}), push_of(5))
    with served(tmp_path) as running:
        newest, before = running.client.status().body["model_version_status"]
        assert (newest["version"], newest["state"]) == ("2", "END")
        assert newest["status"]["error_code"] == "UNKNOWN"
        assert newest["status"]["error_message"]
        assert (before["version"], before["state"]) == ("1", "AVAILABLE")
        assert "version 2 cannot be loaded" in running.log.read_text()


def test_after_sigterm_open_requests_are_answered_and_the_exit_code_is_zero(tmp_path):
    store = VersionStore(tmp_path, "shapes")
    push_tiny(store, tmp_path / "model", seed=6)
    with served(tmp_path) as running:
        large = binary(encode(gradient().resize((6000, 6000)), "JPEG"))
        replies = []
        asking = threading.Thread(
            target=lambda: replies.append(running.client.predict({"instances": [large]}))
        )
        asking.start()
        time.sleep(0.3)  # the request is on its way; the model needs longer for it
        assert running.stop() == 0
        asking.join()
        assert replies[0].status == 200
        assert "Traceback" not in running.log.read_text()

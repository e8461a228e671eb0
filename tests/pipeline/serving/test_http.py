"""The server as a client sees it, with models that are no TensorFlow."""

import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import uvicorn
from PIL import Image
from rest_client import RestClient, binary
from tiny_pictures import encode, png_of, solid

from pipeline.serving import api as limits
from pipeline.serving.api import Api
from pipeline.serving.app import create_app
from pipeline.serving.batching import Batcher
from pipeline.serving.loaded_versions import Versions
from pipeline.serving.server_metrics import Metrics

NAME = "<b> & \u00e4"
RED = binary(solid("red"))


class FirstBytes:
    """A model that answers with its number and the first bytes of what it is given."""

    inputs = {"serving_default": "image", "broken": "image"}  # noqa: RUF012

    def __init__(self, number: int) -> None:
        self.number, self.labels = number, ["<i>"]
        self.signatures = {"serving_default": {"method_name": "tensorflow/serving/predict"}}

    def call(self, signature: str, values: list[bytes]) -> dict[str, np.ndarray]:
        if signature == "broken":
            raise RuntimeError("secret")
        starts = np.array([value[:4] for value in values], object)
        return {"start_bytes": starts, "version": np.full(len(values), self.number)}


@dataclass
class Running:
    """A server in this process."""

    client: RestClient
    versions: list[int]
    look: object
    port: int


@pytest.fixture(name="running")
def _running() -> Iterator[Running]:
    numbers = [1, 2]
    versions = Versions(lambda: numbers, FirstBytes)
    metrics = Metrics(lambda: versions.newest() or 0)
    batcher = Batcher(limits.MAX_INSTANCES, 10**8, metrics.count_batch)
    app = create_app(Api("shapes", versions, batcher), metrics)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Running(RestClient(f"http://127.0.0.1:{port}", "shapes"), numbers, versions.look, port)
    server.should_exit = True
    thread.join(10)


@pytest.fixture(name="client")
def _client(running: Running) -> RestClient:
    running.look()
    return running.client


def answer(client: RestClient, *pictures: object, **more: object) -> list:
    reply = client.predict({"instances": list(pictures)} | more)
    assert reply.status == 200, reply
    return reply.body["predictions"]


def test_before_a_version_is_loaded_the_server_lives_and_is_not_ready(running):
    assert running.client.get("/healthz") == (200, b"ok\n")
    assert running.client.get("/readyz")[0] == 503
    assert running.client.predict({"instances": [RED]}).status == 404
    running.look()
    assert running.client.get("/readyz") == (200, b"ok\n")


def test_the_newest_version_answers_unless_one_is_named(client):
    request = {"instances": [RED]}
    assert client.predict(request).body["predictions"][0]["version"] == 2
    assert client.predict(request, version=1).body["predictions"][0]["version"] == 1


def test_an_unknown_version_or_model_is_not_found(client):
    reply = client.predict({"instances": [RED]}, version=3)
    assert reply.status == 404
    assert reply.body == {"error": "Servable not found for request: Specific(shapes, 3)"}
    other = RestClient(client.address, "other")
    assert other.predict({"instances": [RED]}).body == {
        "error": "Servable not found for request: Latest(other)"
    }
    assert other.metadata().status == 404
    assert other.status().body == {"error": "Could not find any versions of model other"}
    assert client.status(3).body == {"error": "Could not find version 3 of model shapes"}
    assert client.status(2**63).status == 400


def test_the_status_is_that_of_every_version_newest_first(client):
    available = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert client.status().body == {
        "model_version_status": [{"version": "2"} | available, {"version": "1"} | available]
    }
    assert client.status(1).body == {"model_version_status": [{"version": "1"} | available]}


def test_the_metadata_name_the_version_and_its_signatures(client):
    document = client.metadata().body
    assert document["model_spec"] == {"name": "shapes", "signature_name": "", "version": "2"}
    assert client.metadata(1).body["model_spec"]["version"] == "1"
    assert "serving_default" in document["metadata"]["signature_def"]["signature_def"]


def test_a_rollback_is_followed(running, client):
    running.versions.remove(2)
    running.look()
    assert answer(client, RED)[0]["version"] == 1


def test_what_tensorflow_reads_well_is_passed_on_and_all_else_becomes_a_png(client):
    jpeg, webp = (binary(solid("red", form=form)) for form in ("JPEG", "WEBP"))
    starts = [one["start_bytes"] for one in answer(client, jpeg, webp)]
    assert starts == [binary(b"\xff\xd8\xff\xe0"), binary(b"\x89PNG")]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"", "empty file"),
        (b"hello", "not a picture in a known format"),
        (b"<svg></svg>", "SVG drawing: save it as PNG"),
        (png_of(12_000, 12_000, 8, 2), "too many pixels: 12000x12000, the limit is 100,000,000"),
        (png_of(100, 2, 8, 2), "too narrow: 100x2"),
        (solid("red", form="WEBP")[:40], "damaged: "),
    ],
)
def test_a_picture_that_cannot_be_used_is_named_with_the_reason(client, picture, reason):
    reply = client.predict({"instances": [RED, binary(picture)]})
    assert reply.status == 400
    assert reply.body["error"].startswith(f"instance 1: {reason}")


def test_the_pixels_of_a_request_are_limited_as_a_whole(client):
    large = binary(png_of(9_000, 9_000, 8, 2))
    reply = client.predict({"instances": [large, large]})
    assert reply.status == 400
    assert reply.body["error"].startswith("instance 1: too many pixels in one request")


def test_instances_and_bytes_of_a_request_are_limited(client, monkeypatch):
    reply = client.predict({"instances": [RED] * 129})
    assert (reply.status, reply.body) == (400, {"error": "129 instances; the limit is 128"})
    monkeypatch.setattr(limits, "MAX_BODY", 1000)
    reply = client.predict(b" " * 1001)
    assert (reply.status, reply.body) == (413, {"error": "the request is larger than 1000 bytes"})
    assert client.status().status == 200


def test_the_classify_and_regress_verbs_are_known_and_refused(client):
    for verb in ("classify", "regress"):
        reply = client.predict({"examples": []}, verb=verb)
        assert reply.status == 400
        assert f"tensorflow/serving/{verb}" in reply.body["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/shapes:predict", 400),
        ("POST", "/v1/models/shapes", 400),
        ("PUT", "/v1/models/shapes", 400),
        ("GET", "/v1/models", 400),
        ("GET", "/v1/models/shapes/labels/stable", 400),
        ("GET", "/v1/models/a/b", 400),
        ("GET", "/nowhere", 404),
        ("POST", "/", 405),
    ],
)
def test_addresses_and_methods_that_there_are_not(client, running, method, path, status):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    assert response.status == status
    assert b'"error"' in response.read()


def test_an_unexpected_error_tells_nothing_of_the_inside(client):
    reply = client.predict({"signature_name": "broken", "instances": [RED]})
    assert reply.status == 500
    assert reply.body == {"error": "internal error, see the server's log"}
    assert answer(client, RED)[0]["version"] == 2


def test_the_metrics_count_requests_batches_and_say_what_serves(client):
    answer(client, RED, RED)
    client.predict(b"{")
    text = client.get("/metrics")[1].decode()
    assert 'carryover_requests_total{code="400"} 1.0' in text
    assert "carryover_batch_instances_sum 2.0" in text
    assert "carryover_predict_seconds_count 2.0" in text
    assert "carryover_serving_version 2.0" in text


def test_the_page_is_told_what_the_classes_are_called(client):
    assert b'"labels": [\n      "<i>"' in client.get("/versions")[1]


def test_large_pictures_within_the_limits_are_answered(client):
    noise = Image.effect_noise((600, 600), 80).convert("RGB")
    assert answer(client, binary(encode(noise, "JPEG")))[0]["version"] == 2

"""All paths of the server but the REST API, as a client sees them."""

import http.client

import pytest
from rest_client import binary
from tiny_pictures import solid

RED = binary(solid("red"))


def test_before_a_version_is_loaded_the_server_is_alive_and_not_ready(running):
    assert running.client.get("/healthz") == (200, b"ok\n")
    assert running.client.get("/readyz")[0] == 503
    assert running.client.predict({"instances": [RED]}).status == 404
    running.versions.update()
    assert running.client.get("/readyz") == (200, b"ok\n")


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
def test_unknown_paths_and_methods_get_an_error_in_json(client, running, method, path, status):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    assert response.status == status
    assert b'"error"' in response.read()


def test_an_unexpected_error_gets_a_response_without_details(client):
    response = client.predict({"signature_name": "broken", "instances": [RED]})
    assert response.status == 500
    assert response.body == {"error": "internal error, see the server's log"}
    assert client.predict({"instances": [RED]}).body["predictions"][0]["version"] == 2


def test_the_metrics_count_requests_and_batches_and_name_the_serving_version(client):
    assert client.predict({"instances": [RED, RED]}).status == 200
    client.predict(b"{")
    text = client.get("/metrics")[1].decode()
    assert 'carryover_requests_total{code="400"} 1.0' in text
    assert "carryover_batch_instances_sum 2.0" in text
    assert "carryover_predict_seconds_count 2.0" in text
    assert "carryover_serving_version 2.0" in text


def test_the_demo_page_gets_the_class_names_of_every_version(client):
    assert b'"labels": [\n      "<i>"' in client.get("/versions")[1]

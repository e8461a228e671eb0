"""All paths of the server but the REST API, as a client sees them."""

import contextlib
import http.client
import json
import socket

import pytest
from app_in_thread import AppInThread, run_app
from rest_client import binary
from tiny_pictures import solid

from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.limits.open_requests import OpenRequests

RED = binary(solid("red"))


def test_the_server_is_alive_and_ready(client):
    assert client.get("/healthz") == (200, b"ok\n")
    assert client.get("/readyz") == (200, b"ok\n")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/shapes:predict", 400),
        ("POST", "/v1/models/shapes", 400),
        ("PUT", "/v1/models/shapes", 400),
        ("GET", "/v1/models", 400),
        ("GET", "/v1/models/shapes/labels/unknown", 400),
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


def post(
    running: AppInThread, body: bytes, **headers: str
) -> tuple[http.client.HTTPMessage, int, str]:
    """Send a predict request; return headers, status and error of its response."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("POST", "/v1/models/shapes:predict", body, headers)
    response = connection.getresponse()
    return response.headers, response.status, json.loads(response.read())["error"]


def assert_health_is_served(running: AppInThread) -> None:
    assert running.client.get("/healthz") == (200, b"ok\n")
    assert running.client.get("/readyz") == (200, b"ok\n")
    assert running.client.get("/metrics")[0] == 200


def test_slow_bodies_keep_nobody_from_the_server(client, running):
    header = b"POST /v1/models/shapes:predict HTTP/1.1\r\nHost: localhost\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(140):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            slow.sendall(header + b"Content-Length: 33554432\r\n\r\n{")
        assert_health_is_served(running)
        assert client.predict({"instances": [RED]}).status == 200
        assert "carryover_connections 141.0" in client.get("/metrics")[1].decode()


def test_requests_beyond_the_limit_get_503_with_retry_after_and_health_is_served():
    with run_app(open_requests=OpenRequests(0)) as running:
        running.versions.update()
        headers, status, error = post(running, b"{}")
        assert (status, error) == (503, "too many open requests, try again")
        assert headers["Retry-After"] == "1"
        assert_health_is_served(running)
        assert running.client.status().status == 200
        text = running.client.get("/metrics")[1].decode()
        assert 'carryover_requests_total{code="503"} 1.0' in text


def test_requests_beyond_the_memory_get_503_with_retry_after_and_health_is_served():
    budget = MemoryBudget(2**20)
    assert budget.keep(budget.max_kept)
    with run_app(budget=budget) as running:
        running.versions.update()
        headers, status, _ = post(running, b"{}")
        assert status == 503
        assert headers["Retry-After"] == "1"
        assert_health_is_served(running)


def test_requests_for_another_host_are_refused(client, running):
    _, status, error = post(running, b"{}", Host="attacker.example")
    assert status == 421
    assert error.startswith("the request is for the host 'attacker.example'")

"""Requests are counted, whatever their end."""

import asyncio

from pipeline.serving.middleware import RequestMiddleware
from pipeline.serving.server_metrics import ServerMetrics
from pipeline.web.allowed_hosts import AllowedHosts

SCOPE = {"type": "http", "path": "/v1/models/x:predict", "headers": [(b"host", b"localhost")]}


async def receive():
    return {"type": "http.request"}


def test_requests_are_counted_by_status_and_those_for_another_host_are_refused():
    statuses = []

    async def send(message):
        if "status" in message:
            statuses.append(message["status"])

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    metrics = ServerMetrics(lambda: 0)
    middleware = RequestMiddleware(app, metrics, AllowedHosts([]))
    asyncio.run(middleware(SCOPE, receive, send))
    asyncio.run(middleware(SCOPE | {"headers": [(b"host", b"attacker.example")]}, receive, send))
    assert statuses == [200, 421]
    text = metrics.text().decode()
    assert 'carryover_requests_total{code="200"} 1.0' in text
    assert 'carryover_requests_total{code="421"} 1.0' in text
    assert "carryover_predict_seconds_count 2.0" in text


def test_a_request_that_is_open_at_the_end_of_the_drain_time_gets_503():
    sent = []

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        await asyncio.Event().wait()

    metrics = ServerMetrics(lambda: 0)

    async def run() -> None:
        middleware = RequestMiddleware(app, metrics, AllowedHosts([]))
        task = asyncio.create_task(middleware(SCOPE, receive, send))
        await asyncio.sleep(0)  # lets the task start
        task.cancel()
        await task

    asyncio.run(run())
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert b"the server is stopping" in sent[1]["body"]

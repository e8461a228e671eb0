"""The limit of open requests."""

import asyncio

import pytest

from pipeline.serving import middleware
from pipeline.serving.middleware import RequestMiddleware
from pipeline.serving.protocol.request_errors import RequestError
from pipeline.serving.server_metrics import ServerMetrics

SCOPE = {"type": "http", "path": "/"}


async def receive():
    return {"type": "http.request"}


async def send(message):
    assert message["status"] == 200


def test_a_request_beyond_the_limit_is_refused_until_another_is_complete(monkeypatch):
    monkeypatch.setattr(middleware, "MAX_OPEN_REQUESTS", 1)

    async def run() -> str:
        complete = asyncio.Event()

        async def app(scope, receive, send):
            await complete.wait()
            await send({"type": "http.response.start", "status": 200})

        metrics = ServerMetrics(lambda: 0)
        limited = RequestMiddleware(app, metrics)
        first = asyncio.create_task(limited(SCOPE, receive, send))
        await asyncio.sleep(0)  # lets the task start
        with pytest.raises(RequestError, match="too many open requests") as refused:
            await limited(SCOPE, receive, send)
        assert refused.value.status == 503
        complete.set()
        await first
        await limited(SCOPE, receive, send)
        return metrics.text().decode()

    text = asyncio.run(run())
    assert 'carryover_requests_total{code="200"} 2.0' in text
    assert 'carryover_requests_total{code="503"} 1.0' in text

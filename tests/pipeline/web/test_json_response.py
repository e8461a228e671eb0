"""JSON responses are sent in parts, and say when to try again."""

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from pipeline.web import json_response
from pipeline.web.json_response import JsonResponse, as_json, error_response


def sent(response: Response) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        raise AssertionError

    asyncio.run(response({"type": "http"}, receive, send))
    return messages


@pytest.mark.parametrize("size", [0, 1, 4, 5, 8, 9])
def test_a_response_is_sent_in_parts_with_its_whole_length(monkeypatch, size):
    monkeypatch.setattr(json_response, "PART_BYTES", 4)
    content = bytes(range(size))
    start, *parts = sent(JsonResponse(content))
    assert (b"content-length", str(size).encode()) in start["headers"]
    assert (b"content-type", b"application/json") in start["headers"]
    assert b"".join(part["body"] for part in parts) == content
    assert max(len(part["body"]) for part in parts) <= 4
    assert [part["more_body"] for part in parts] == [True] * (len(parts) - 1) + [False]
    assert len(parts) == max(1, -(-size // 4))


def test_only_the_error_that_passes_says_when_to_try_again():
    assert error_response(503, "busy").headers["Retry-After"] == "1"
    assert "Retry-After" not in error_response(413, "too large").headers
    assert as_json({"a": [1]}).body == b'{\n  "a": [\n    1\n  ]\n}'

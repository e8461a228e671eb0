"""Large bodies, parsed in a process of their own."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator

import pytest
from rest_client import binary

from pipeline.serving.limits.memory_budget import MemoryBudget
from pipeline.serving.processes import request_parser
from pipeline.serving.processes.request_parser import RequestParser
from pipeline.serving.protocol.predict_request import PredictRequest, parse_predict_request
from pipeline.web.request_errors import RequestError

INPUTS = {"serving_default": "image", "serving_examples": "examples"}
BODY = json.dumps({"inputs": [binary(b"\xff\x00"), "caf\u00e9", ""]}).encode()


@pytest.fixture(name="parser", scope="module")
def _parser() -> Iterator[RequestParser]:
    parser = RequestParser(MemoryBudget(2**20))
    yield parser
    parser.stop()


def parse(parser: RequestParser, body: bytes) -> PredictRequest:
    received = bytearray(body)
    try:
        return asyncio.run(parser.parse(received, INPUTS, 3))
    finally:
        assert parser._budget.used == 0


def error_of(parser: RequestParser, body: bytes) -> tuple[int, str]:
    with pytest.raises(RequestError) as error:
        parse(parser, body)
    return error.value.status, error.value.message


def test_a_body_is_parsed_as_in_this_process(parser):
    assert parse(parser, BODY) == parse_predict_request(BODY, INPUTS, 3)


def test_the_body_is_emptied_because_the_instances_take_its_memory(parser):
    body = bytearray(BODY)
    asyncio.run(parser.parse(body, INPUTS, 3))
    assert body == b""


@pytest.mark.parametrize("body", [b"{", b'{"instances": [1]}', b'{"instances": ["a"' + b', ""' * 9])
def test_a_wrong_body_gets_the_same_error_as_in_this_process(parser, body):
    with pytest.raises(RequestError) as expected:
        parse_predict_request(body, INPUTS, 3)
    assert error_of(parser, body) == (400, expected.value.message)


def test_the_copy_in_the_process_counts_as_memory(parser):
    status, message = error_of(parser, b'["' + b"a" * (2**19 // 6) + b'"]')
    assert (status, message.partition(" of memory")[0]) == (413, "parsing the request needs 1 MiB")


def test_after_a_crash_the_next_body_is_parsed_by_a_new_process(parser):
    parse(parser, BODY)
    os.kill(parser._process._process.pid, signal.SIGKILL)
    parser._process._process.wait()
    assert parse(parser, BODY).row_format is False


def test_a_body_waits_only_briefly_for_others(monkeypatch):
    monkeypatch.setattr(request_parser, "WAIT_SECONDS", 0.01)
    parser = RequestParser(MemoryBudget(2**20))

    async def call() -> None:
        async with parser._lock:
            await parser.parse(bytearray(BODY), INPUTS, 3)

    with pytest.raises(RequestError) as error:
        asyncio.run(call())
    assert error.value.status == 503
    assert error.value.message == "other large requests are being parsed: try again"


def test_a_process_that_is_started_ahead_parses_the_first_body():
    parser = RequestParser(MemoryBudget(2**20))
    try:
        parser.start()
        parser._process.thread.submit(lambda: None).result()  # it has parsed its own body
        started = parser._process._process.pid
        assert parse(parser, BODY).instances == [b"\xff\x00", "caf\u00e9".encode(), b""]
        assert parser._process._process.pid == started
    finally:
        parser.stop()

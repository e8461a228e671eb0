"""Predict requests of the REST API, from their body to the JSON of their response."""

import asyncio
import contextlib
import json

import pytest
from app_in_thread import FirstBytesModel
from rest_client import binary
from tiny_pictures import solid

from pipeline.serving import predict_service, rest_predict
from pipeline.serving.batcher import Batcher
from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.predict_service import PredictService
from pipeline.serving.protocol.predict_request import memory_to_parse
from pipeline.serving.rest_predict import RestPredict
from pipeline.web.request_errors import RequestError, UnreadableInputError

MIB = 2**20


class NoDecoders:
    async def prepare(self, content, rewrite):
        raise AssertionError


class Unreadable(FirstBytesModel):
    """A model that cannot decode JPEG."""

    def call(self, signature, instances):
        if any(instance.startswith(b"\xff\xd8") for instance in instances):
            raise UnreadableInputError("no JPEG")
        return super().call(signature, instances)


class Rewriting:
    """Returns PNG for every picture."""

    async def prepare(self, content, rewrite):
        assert rewrite
        return solid("red"), 12


def predict(body, budget=None, model=None, decoders=None):
    budget = budget or MemoryBudget(100 * MIB)
    service = PredictService(Batcher(budget), decoders or NoDecoders())
    predictions = RestPredict(service, budget)

    async def run():
        with RequestMemory(budget) as memory:
            return await predictions.predict(model or FirstBytesModel(1), body, memory)

    try:
        return json.loads(asyncio.run(run()))
    finally:
        predictions.stop()


def body_of(*pictures: bytes) -> bytearray:
    return bytearray(json.dumps({"instances": [binary(one) for one in pictures]}).encode())


def test_a_request_gets_a_prediction_per_instance_and_its_body_is_freed():
    body, budget = body_of(solid("red"), solid("red", form="JPEG")), MemoryBudget(100 * MIB)
    assert len(predict(body, budget)["predictions"]) == 2
    assert body == b""
    assert budget.used == 0


def test_a_body_that_cannot_be_parsed_within_the_memory_is_refused():
    body = bytearray(b'{"instances": ["' + b"x" * (11 * MIB) + b'"]}')
    with pytest.raises(RequestError) as error:
        predict(body)
    assert error.value.status == 413
    assert error.value.message == "parsing the request needs 66 MiB of memory; the limit is 50 MiB"


def test_a_large_body_is_parsed_in_another_process(monkeypatch):
    monkeypatch.setattr(rest_predict, "LARGE_BODY", 10)
    monkeypatch.setattr(rest_predict, "parse_predict_request", None)
    assert len(predict(body_of(solid("red"), solid("red")))["predictions"]) == 2


@pytest.mark.parametrize(
    ("body", "copies"),
    [
        (b'{"instances": ["abc"]}', 5),
        (b'{"instances": ["ab\\/c"]}', 5),
        ('{"instances": ["\N{SNOWMAN}"]}'.encode(), 9),
        (b'{"instances": ["\\u2603"]}', 9),
    ],
)
def test_wide_characters_take_more_memory(body, copies):
    assert memory_to_parse(body) == copies * len(body)


def test_a_picture_that_the_model_cannot_decode_is_converted():
    body = body_of(solid("red", form="JPEG"))
    responded = predict(body, model=Unreadable(1), decoders=Rewriting())
    assert responded["predictions"][0]["start_bytes"] == binary(b"\x89PNG")


@pytest.mark.parametrize(("large_body", "is_expected"), [(2**20, True), (10, False)])
def test_parts_of_large_requests_wait_for_a_small_one_from_its_arrival(
    monkeypatch, large_body, is_expected
):
    monkeypatch.setattr(predict_service, "LARGE_REQUEST", large_body)
    expected = []

    class Recording(Batcher):
        @contextlib.contextmanager
        def expect_usual(self):
            expected.append("arrived")
            with super().expect_usual():
                yield

        async def call(self, *arguments):
            expected.append("called")
            return await super().call(*arguments)

    monkeypatch.setitem(globals(), "Batcher", Recording)
    assert len(predict(body_of(solid("red")))["predictions"]) == 1
    assert expected == ["arrived", "called"][not is_expected :]

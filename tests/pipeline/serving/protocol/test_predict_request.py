"""Bodies of predict requests, as TensorFlow Serving's documentation has them."""

import base64
import json

import pytest

from pipeline.serving.protocol.predict_request import read_question
from pipeline.serving.protocol.request_errors import RequestError

INPUTS = {"serving_default": "image", "serving_examples": "examples"}
BINARY = b"\xff\x00\n"
B64 = {"b64": base64.b64encode(BINARY).decode()}


def read(request: object) -> object:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return read_question(body, INPUTS, max_values=3)


def refusal(request: object) -> str:
    with pytest.raises(RequestError) as refused:
        read(request)
    assert refused.value.status == 400
    return refused.value.message


@pytest.mark.parametrize(
    ("request_", "rows"),
    [
        ({"instances": [B64, "caf\u00e9"]}, True),
        ({"instances": [{"image": B64}, {"image": "caf\u00e9"}]}, True),
        ({"inputs": [B64, "caf\u00e9"]}, False),
        ({"inputs": {"image": [B64, "caf\u00e9"]}}, False),
        ({"signature_name": "", "instances": [B64, "caf\u00e9"]}, True),
    ],
)
def test_every_way_to_write_two_instances_says_the_same(request_, rows):
    question = read(request_)
    assert question.values == [BINARY, "caf\u00e9".encode()]
    assert (question.signature, question.input) == ("serving_default", "image")
    assert question.rows == rows


def test_another_signature_has_another_input():
    question = read({"signature_name": "serving_examples", "instances": [{"examples": B64}]})
    assert (question.signature, question.input) == ("serving_examples", "examples")


@pytest.mark.parametrize("text", ["/wAK", "/wA\nK", " /w\tAK\r\n"])
def test_base64_may_be_wrapped(text):
    assert read({"instances": [{"b64": text}]}).values == [BINARY]


def test_base64_may_lack_its_padding():
    assert read({"instances": [{"b64": "/w"}]}).values == [b"\xff"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b"\xff", "JSON Parse error"),
        (b'{"instances": ["\\ud800"]}', "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        (b"[]", "Is not object"),
        ({}, "Missing 'inputs' or 'instances' key"),
        ({"inputs": [B64], "instances": [B64]}, "Expecting only one of"),
        ({"instances": []}, "'instances' to be a list with at least one value"),
        ({"instances": B64}, "'instances' to be a list with at least one value"),
        ({"inputs": B64}, "'inputs' to be a list with at least one value"),
        ({"inputs": {"picture": [B64]}}, "Missing named input: image"),
        ({"instances": [B64] * 4}, "4 instances; the limit is 3"),
        ({"signature_name": 1, "instances": [B64]}, "must be a string"),
        ({"signature_name": "x", "instances": [B64]}, 'Serving signature name: "x" not found'),
        ({"instances": [B64, 1]}, "instance 1: Number is not of expected type: string"),
        ({"instances": [B64, True]}, "instance 1: Bool is not"),
        ({"instances": [B64, None]}, "instance 1: Null is not"),
        ({"instances": [B64, [B64]]}, "instance 1: Array is not"),
        ({"instances": [B64, {"image": B64}]}, "instance 1: expecting value but got object"),
        ({"instances": [{"image": B64}, B64]}, "instance 1: expecting object but got value"),
        ({"instances": [{"image": B64, "more": B64}]}, "instance 0: keys must be equal to: image"),
        ({"instances": [{"image": {"b64": "/w=="}}, {"image": {}}]}, "instance 1: Object is not"),
        ({"instances": [B64, {"b64": "!"}]}, "instance 1: Unable to base64 decode"),
        ({"instances": [{"b64": "\u00e9"}]}, "instance 0: Unable to base64 decode"),
        ({"instances": [{"b64": "A"}]}, "instance 0: Unable to base64 decode"),
    ],
)
def test_what_is_wrong_is_said_and_where(request_, reason):
    assert reason in refusal(request_)


def test_a_long_name_is_not_repeated_in_full():
    assert len(refusal({"signature_name": "x" * 10_000, "instances": [B64]})) < 200

"""Bodies of predict requests, as TensorFlow Serving's documentation has them."""

import base64
import json

import pytest

from pipeline.serving.protocol.predict_request import PredictRequest, parse_predict_request
from pipeline.web.request_errors import RequestError

INPUTS = {"serving_default": "image", "serving_examples": "examples"}
BINARY = b"\xff\x00\n"
B64 = {"b64": base64.b64encode(BINARY).decode()}


def parse(request: object) -> PredictRequest:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    return parse_predict_request(body, INPUTS, max_instances=3)


def error_message(request: object) -> str:
    with pytest.raises(RequestError) as error:
        parse(request)
    assert error.value.status == 400
    return error.value.message


@pytest.mark.parametrize(
    ("request_", "row_format"),
    [
        ({"instances": [B64, "caf\u00e9"]}, True),
        ({"instances": [{"image": B64}, {"image": "caf\u00e9"}]}, True),
        ({"inputs": [B64, "caf\u00e9"]}, False),
        ({"inputs": {"image": [B64, "caf\u00e9"]}}, False),
        ({"signature_name": "", "instances": [B64, "caf\u00e9"]}, True),
    ],
)
def test_every_format_of_two_instances_is_parsed_alike(request_, row_format):
    parsed = parse(request_)
    assert parsed.instances == [BINARY, "caf\u00e9".encode()]
    assert (parsed.signature, parsed.input_name) == ("serving_default", "image")
    assert parsed.row_format == row_format


def test_each_signature_has_its_own_input():
    parsed = parse({"signature_name": "serving_examples", "instances": [{"examples": B64}]})
    assert (parsed.signature, parsed.input_name) == ("serving_examples", "examples")


@pytest.mark.parametrize("text", ["/wAK", "/wA\nK", " /w\tAK\r\n"])
def test_base64_may_be_wrapped(text):
    assert parse({"instances": [{"b64": text}]}).instances == [BINARY]


def test_base64_may_lack_its_padding():
    assert parse({"instances": [{"b64": "/w"}]}).instances == [b"\xff"]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (b"", "JSON Parse error"),
        (b"{", "JSON Parse error"),
        (b"\xff", "JSON Parse error"),
        (b'{"instances": ["\\ud800"]}', "JSON Parse error"),
        (b"[" * 9_999, "JSON Parse error"),
        (b"[" * 10_001, "JSON has more than 10,000 values: pictures are sent as files in base64"),
        (b'{"a": [' + b"0," * 10_000 + b"0]}", "JSON has more than 10,000 values"),
        (b"{" + b'"":{},' * 5_001, "JSON has more than 10,000 values"),
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
def test_the_error_names_the_reason_and_the_instance(request_, reason):
    assert reason in error_message(request_)


def test_a_long_name_is_cut_in_the_error():
    assert len(error_message({"signature_name": "x" * 10_000, "instances": [B64]})) < 200

"""Any body of a predict request is a request, or a `RequestError` with a status of 4xx."""

import base64
import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from mutated_bytes import MutationFuzzer

from pipeline.serving.protocol.predict_request import PredictRequest, parse_predict_request
from pipeline.web.request_errors import RequestError

INPUTS = {"serving_default": "image", "serving_examples": "examples", "embed": "image"}
MAX_INSTANCES = 4

#: JSON values, of which some look like parts of a request.
PARTS = st.sampled_from(
    [
        "instances",
        "inputs",
        "signature_name",
        "image",
        "examples",
        "b64",
        "embed",
        "AAAA",
        "A",
        "=",
        "",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | PARTS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(PARTS, inner, max_size=3),
    max_leaves=10,
)
INSTANCES = st.binary(max_size=40).map(lambda content: {"b64": base64.b64encode(content).decode()})


def parse(body: bytes) -> PredictRequest | None:
    """Return the request of a body; None after an error that tells the client what is wrong."""
    try:
        request = parse_predict_request(body, INPUTS, MAX_INSTANCES)
    except RequestError as error:
        assert 400 <= error.status < 500
        assert error.message
        return None
    assert INPUTS[request.signature] == request.input_name
    assert 1 <= len(request.instances) <= MAX_INSTANCES
    assert all(isinstance(one, bytes) for one in request.instances)
    return request


@example(b"[" * 100_000)
@example(b'{"instances":' * 5_000)
@example(b'{"instances": [1e999]}')
@example(b'{"instances": ["\\ud800"]}')
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
def test_any_bytes_are_a_request_or_an_error_of_the_client(body: bytes) -> None:
    parse(body)


@given(st.dictionaries(PARTS, VALUES, max_size=4) | VALUES)
def test_any_json_is_a_request_or_an_error_of_the_client(value: Any) -> None:
    parse(json.dumps(value).encode())


@given(st.lists(INSTANCES, min_size=1, max_size=MAX_INSTANCES), st.booleans(), st.booleans())
def test_pictures_arrive_as_they_were_sent(
    instances: list[dict[str, str]], row_format: bool, named: bool
) -> None:
    key = "instances" if row_format else "inputs"
    values: Any = instances
    if named:
        values = [{"image": one} for one in instances] if row_format else {"image": instances}
    request = parse(json.dumps({key: values}).encode())
    assert request is not None
    assert request.instances == [base64.b64decode(one["b64"]) for one in instances]
    assert request.row_format == row_format


def test_a_mutated_body_is_a_request_or_an_error_of_the_client(
    mutation_fuzzer: MutationFuzzer,
) -> None:
    picture = {"b64": base64.b64encode(bytes(range(99))).decode()}
    bodies = {
        "row": {"signature_name": "embed", "instances": [picture, {"image": picture}, "text"]},
        "column": {"inputs": {"examples": [picture]}, "signature_name": "serving_examples"},
        "numbers": {"instances": [[[0.5, 1e300, -1], True, None]]},
    }
    files = {name: json.dumps(body).encode() for name, body in bodies.items()}
    mutation_fuzzer.run("request", parse, files, 800)

"""Body of a predict request -> the values that a signature is asked about.

Follows TensorFlow Serving's REST interface (g3doc/api_rest.md and util/json_tensor.cc in its
repository) for signatures with one input of strings, which all of ours are.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from pipeline.serving.protocol.request_errors import RequestError

DEFAULT_SIGNATURE = "serving_default"

#: A client's own words are repeated up to this length.
ECHO = 80


@dataclass(frozen=True)
class Question:
    """What a request asks.

    Attributes:
        signature: that answers.
        input: name of the signature's input.
        values: one per instance.
        rows: whether the answer is a row per instance; otherwise it is a column per output.
    """

    signature: str
    input: str
    values: list[bytes]
    rows: bool


def read_question(body: bytes, inputs: Mapping[str, str], max_values: int) -> Question:
    """Parse the body of a predict request.

    Args:
        body: JSON, as TensorFlow Serving takes it.
        inputs: signature -> name of its input.
        max_values: more instances than this are refused.

    Raises:
        RequestError: 400, with the reason.
    """
    request = _read_object(body)
    signature = request.get("signature_name", DEFAULT_SIGNATURE) or DEFAULT_SIGNATURE
    if not isinstance(signature, str):
        raise RequestError(400, "'signature_name' key must be a string value")
    if signature not in inputs:
        raise RequestError(
            400, f'Serving signature name: "{signature[:ECHO]}" not found in signature def'
        )
    rows = "instances" in request
    if rows == ("inputs" in request):
        problem = "Expecting only one of" if rows else "Missing"
        raise RequestError(400, f"{problem} 'inputs' or 'instances' key")
    name = inputs[signature]
    given = request["instances"] if rows else _column(request["inputs"], name)
    if not isinstance(given, list) or not given:
        key = "instances" if rows else "inputs"
        raise RequestError(400, f"Expecting '{key}' to be a list with at least one value")
    if len(given) > max_values:
        raise RequestError(400, f"{len(given)} instances; the limit is {max_values}")
    named = rows and _is_named(given[0])
    values = [_value(number, given[number], name, named) for number in range(len(given))]
    return Question(signature, name, values, rows)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"JSON Parse error: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(400, "JSON Value: Is not object")
    return request


def _column(given: Any, name: str) -> Any:
    """Values of the column format, in which a single input may be named or not."""
    if not _is_named(given):
        return given
    if name not in given:
        raise RequestError(400, f"Missing named input: {name} in 'inputs' object.")
    return given[name]


def _value(number: int, given: Any, name: str, named: bool) -> bytes:
    """Bytes of one instance; all of a request are named, or none."""
    if _is_named(given) != named:
        expected, got = ("object", "value") if named else ("value", "object")
        raise _bad(number, f"expecting {expected} but got {got}")
    if named:
        if set(given) != {name}:
            raise _bad(number, f"keys must be equal to: {name}")
        given = given[name]
    if isinstance(given, str):
        return given.encode()
    if _is_binary(given):
        return _decoded(number, given["b64"])
    kind = {dict: "Object", list: "Array", bool: "Bool", type(None): "Null"}
    raise _bad(number, f"{kind.get(type(given), 'Number')} is not of expected type: string")


def _decoded(number: int, text: str) -> bytes:
    compact = "".join(text.split())
    try:
        # Padding may be missing, as TensorFlow Serving's decoder allows.
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except ValueError:
        raise _bad(number, "Unable to base64 decode") from None


def _is_named(given: Any) -> bool:
    return isinstance(given, dict) and not _is_binary(given)


def _is_binary(given: Any) -> bool:
    return isinstance(given, dict) and given.keys() == {"b64"} and isinstance(given["b64"], str)


def _bad(number: int, reason: str) -> RequestError:
    return RequestError(400, f"instance {number}: {reason}")

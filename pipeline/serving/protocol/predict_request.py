"""Body of a predict request, parsed.

Follows TensorFlow Serving's REST API (g3doc/api_rest.md and util/json_tensor.cc in its repository)
for signatures with one string input, which all signatures of the trainer's exports are.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from pipeline.web.request_errors import RequestError
from trainer_module.contract.example_features import SERVING_DEFAULT

#: Most instances in one request.
MAX_INSTANCES = 128

#: Most values in the JSON of a request, each of which costs up to 100 bytes. 128 pictures are fewer
#: than 1,000.
MAX_VALUES = 10_000

#: Copies of the body that parsing makes: its texts, and for one picture at a time its text in
#: ASCII, the same without white space, and its bytes.
COPIES = 5

#: Bytes per character of a text that has any character beyond Latin-1 in it.
WIDEST_CHARACTER = 4

#: What base64 may be wrapped with.
WHITE_SPACE = b" \t\n\r\v\f"

#: Characters of a client's own text that an error message repeats.
MAX_QUOTED = 80


@dataclass(frozen=True)
class PredictRequest:
    """Content of a predict request.

    Attributes:
        signature: Name of the signature.
        input_name: Name of the signature's input.
        instances: Values of the input, one per instance.
        row_format: Whether the request is in the row format (`instances`) and so its response too;
            otherwise both are in the column format (`inputs`).
    """

    signature: str
    input_name: str
    instances: list[bytes]
    row_format: bool


def check_num_instances(number: int, limit: int = MAX_INSTANCES) -> None:
    """Refuse a request with too many instances.

    Args:
        number: Number of the request's instances.
        limit: Largest number of instances.

    Raises:
        RequestError: There are more; status 400.
    """
    if number > limit:
        raise RequestError(400, f"{number} instances; the limit is {limit}")


def memory_to_parse(body: bytes | bytearray) -> int:
    """Return the most bytes that `parse_predict_request` takes, besides the body itself.

    Args:
        body: Body of a request.
    """
    is_wide = not body.isascii() or b"\\u" in body
    return len(body) * (COPIES + (WIDEST_CHARACTER if is_wide else 0))


def parse_predict_request(
    body: bytes | bytearray, inputs: Mapping[str, str], max_instances: int
) -> PredictRequest:
    """Parse the body of a predict request.

    Args:
        body: JSON in TensorFlow Serving's row or column format.
        inputs: Name of the only input of every signature, by the signature's name.
        max_instances: Largest number of instances.

    Raises:
        RequestError: The body is wrong; status 400, with the reason.
    """
    request = _parse_object(body)
    signature = request.get("signature_name", SERVING_DEFAULT) or SERVING_DEFAULT
    if not isinstance(signature, str):
        raise RequestError(400, "'signature_name' key must be a string value")
    if signature not in inputs:
        raise RequestError(
            400, f'Serving signature name: "{signature[:MAX_QUOTED]}" not found in signature def'
        )
    row_format = "instances" in request
    if row_format == ("inputs" in request):
        problem = "Expecting only one of" if row_format else "Missing"
        raise RequestError(400, f"{problem} 'inputs' or 'instances' key")
    input_name = inputs[signature]
    key = "instances" if row_format else "inputs"
    values = request[key] if row_format else _column_values(request[key], input_name)
    if not isinstance(values, list) or not values:
        raise RequestError(400, f"Expecting '{key}' to be a list with at least one value")
    check_num_instances(len(values), max_instances)
    named = row_format and _is_named(values[0])
    instances = [
        _parse_instance(number, value, input_name, named) for number, value in enumerate(values)
    ]
    return PredictRequest(signature, input_name, instances, row_format)


def _parse_object(body: bytes | bytearray) -> dict[str, Any]:
    # This counts more than there are, so that objects are not made for millions of values.
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise RequestError(
            400,
            f"JSON has more than {MAX_VALUES:,} values: pictures are sent as files in base64, "
            '{"b64": "..."}, not as numbers',
        )
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"JSON Parse error: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(400, "JSON Value: Is not object")
    return request


def _column_values(column: Any, input_name: str) -> Any:
    """Return the values of the column format, in which a single input may be named or not."""
    if not _is_named(column):
        return column
    if input_name not in column:
        raise RequestError(400, f"Missing named input: {input_name} in 'inputs' object.")
    return column[input_name]


def _parse_instance(number: int, value: Any, input_name: str, named: bool) -> bytes:
    """Return the bytes of one instance.

    Args:
        number: Index of the instance.
        value: JSON value of the instance.
        input_name: Name of the only input.
        named: Whether the first instance names its input; then all of them must.
    """
    if _is_named(value) != named:
        expected, actual = ("object", "value") if named else ("value", "object")
        raise _instance_error(number, f"expecting {expected} but got {actual}")
    if named:
        if set(value) != {input_name}:
            raise _instance_error(number, f"keys must be equal to: {input_name}")
        value = value[input_name]
    if isinstance(value, str):
        return value.encode()
    if _is_binary(value):
        return _decode_base64(number, value["b64"])
    kinds = {dict: "Object", list: "Array", bool: "Bool", type(None): "Null"}
    kind = kinds.get(type(value), "Number")
    raise _instance_error(number, f"{kind} is not of expected type: string")


def _decode_base64(number: int, text: str) -> bytes:
    try:
        compact = text.encode("ascii").translate(None, WHITE_SPACE)
        # Padding may be missing, as TensorFlow Serving's decoder allows.
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except ValueError:
        raise _instance_error(number, "Unable to base64 decode") from None


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_binary(value)


def _is_binary(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _instance_error(number: int, reason: str) -> RequestError:
    return RequestError(400, f"instance {number}: {reason}")

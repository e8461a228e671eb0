"""Predict requests in Protocol Buffers.

Follows TensorFlow Serving (servables/tensorflow/predict_util.cc in its repository) for signatures
with one string input, which all signatures of the trainer's exports are.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import DecodeError
from tensorflow.core.framework.types_pb2 import DT_STRING, DataType

from pipeline.serving.grpc_api.wire_format import check_num_fields, malformed_error
from pipeline.serving.protocol.predict_request import (
    MAX_QUOTED,
    PredictRequest,
    check_num_instances,
)
from pipeline.web.request_errors import RequestError
from trainer_module.contract.example_features import SERVING_DEFAULT

#: Bytes that parsing takes per byte of a message: a number takes up to 8 for one, and strings are
#: copied.
COPIES = 10

#: Most names that an error message repeats.
MAX_NAMES = 5

Message = TypeVar("Message")


@dataclass(frozen=True)
class ProtoPredictRequest(PredictRequest):
    """Content of a predict request.

    Attributes:
        output_names: Outputs that the response has; all outputs if it is empty.
    """

    output_names: list[str]


def parse_message(message: bytes, kind: type[Message]) -> Message:
    """Parse a message.

    Args:
        message: Serialized message.
        kind: Class of the message.

    Raises:
        RequestError: It is no such message, or has too many fields; status 400.
    """
    check_num_fields(message, kind.DESCRIPTOR)  # type: ignore[attr-defined]  # of a generated class
    try:
        return kind.FromString(message)  # type: ignore[attr-defined,no-any-return]
    except (DecodeError, UnicodeDecodeError):
        raise malformed_error() from None


def read_predict_request(
    message: Any, inputs: Mapping[str, str], signatures: Mapping[str, Any]
) -> ProtoPredictRequest:
    """Return the content of a `tensorflow.serving.PredictRequest`.

    Args:
        message: The message.
        inputs: Name of the only input of every signature, by the signature's name.
        signatures: Signatures of the model, see `describe_signatures`.

    Raises:
        RequestError: The request is wrong: status 400, or 412 for an unknown signature, with
            TensorFlow Serving's message where it has one.
    """
    signature = message.model_spec.signature_name or SERVING_DEFAULT
    if signature not in inputs:
        raise RequestError(412, f'Serving signature key "{signature[:MAX_QUOTED]}" not found.')
    input_name = inputs[signature]
    _check_inputs(set(message.inputs), input_name)
    instances = _read_strings(message.inputs[input_name], input_name)
    output_names = list(message.output_filter)
    _check_output_filter(output_names, signatures[signature]["outputs"])
    return ProtoPredictRequest(signature, input_name, instances, False, output_names)


def _check_inputs(sent: set[str], input_name: str) -> None:
    if sent == {input_name}:
        return
    if len(sent) == 1:
        raise RequestError(
            400,
            f"input tensor alias not found in signature: {_names(sent)}. Inputs expected to be in "
            f"the set {{{input_name}}}.",
        )
    extra, missing = sent - {input_name}, {input_name} - sent
    raise RequestError(
        400,
        f"input size does not match signature: {len(sent)}!=1 len({{{_names(sent)}}}) != "
        f"len({{{input_name}}}). Sent extra: {{{_names(extra)}}}. Missing but required: "
        f"{{{_names(missing)}}}.",
    )


def _check_output_filter(names: list[str], outputs: Collection[str]) -> None:
    seen = set()
    for name in names:
        if name not in outputs:
            raise RequestError(
                400,
                f"output tensor alias not found in signature: {name[:MAX_QUOTED]} Outputs expected "
                f"to be in the set {{{','.join(sorted(outputs))}}}.",
            )
        if name in seen:
            raise RequestError(400, f"duplicate output tensor alias: {name}")
        seen.add(name)


def _read_strings(tensor: Any, name: str) -> list[bytes]:
    """Return the values of a string tensor of shape [batch].

    As in TensorFlow, the last value stands for all that are missing.
    """
    if tensor.dtype != DT_STRING:
        raise RequestError(
            400,
            f"Expects arg[0] to be string but {_type_name(tensor.dtype)} is provided: the input "
            f"'{name}' takes encoded pictures or examples as bytes",
        )
    sizes = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.tensor_shape.unknown_rank or min(sizes, default=0) < 0:
        raise RequestError(400, f"tensor parsing error: {name}: its shape is not known")
    if len(sizes) != 1:
        raise RequestError(
            400, f"the input '{name}' has {len(sizes)} dimensions; expected one, [batch]"
        )
    check_num_instances(math.prod(sizes))
    values: list[bytes] = list(tensor.string_val[: sizes[0]])
    if not values:
        raise RequestError(400, f"the input '{name}' has no values in string_val")
    values += values[-1:] * (sizes[0] - len(values))
    return values


def _type_name(number: int) -> str:
    if number not in DataType.values():
        return f"the unknown type {number}"
    return str(DataType.Name(number)).removeprefix("DT_").lower()


def _names(names: Iterable[str]) -> str:
    """Return names as TensorFlow Serving's messages list them, unless they are many or long."""
    shown = sorted(names)
    rest = ["..."] if len(shown) > MAX_NAMES else []
    return ",".join([name[:MAX_QUOTED] for name in shown[:MAX_NAMES]] + rest)

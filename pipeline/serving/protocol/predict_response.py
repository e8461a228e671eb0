"""Predict responses in JSON, as TensorFlow Serving writes them."""

import base64
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from trainer_module.export.saved_model_classifier import Outputs

#: Suffix of the names of string outputs that are binary.
BINARY_SUFFIX = "_bytes"


def encode_predict_response(outputs: Outputs, row_format: bool) -> bytes:
    """Return a predict response as JSON.

    If a signature has only one output, its name is left out. Floats are written with the fewest
    digits that identify them.

    Args:
        outputs: Outputs by name, each of shape [batch, ...]; strings as an object array of bytes.
        row_format: Whether the response has one row per instance; otherwise it has one column per
            output.
    """
    columns = {name: _column(name, values) for name, values in outputs.items()}
    if row_format:
        names, rows = list(columns), zip(*columns.values(), strict=True)
        instances = [dict(zip(names, row, strict=True)) for row in rows]
        response = {"predictions": [_without_only_name(instance) for instance in instances]}
    else:
        response = {"outputs": _without_only_name(columns)}
    return orjson.dumps(response, option=orjson.OPT_SERIALIZE_NUMPY)


def _column(name: str, values: npt.NDArray[Any]) -> Any:
    if values.dtype != object:
        return np.ascontiguousarray(values)
    return [_encode_string(value, name.endswith(BINARY_SUFFIX)) for value in values]


def _encode_string(value: Any, binary: bool) -> Any:
    if isinstance(value, np.ndarray):
        return [_encode_string(inner, binary) for inner in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode("utf-8", "replace")


def _without_only_name(values: dict[str, Any]) -> Any:
    return values if len(values) > 1 else next(iter(values.values()))

"""Outputs of a signature -> JSON, as TensorFlow Serving writes them."""

import base64
from typing import Any

import numpy as np
import orjson

#: String outputs of names that end so are binary.
BINARY = "_bytes"


def write_answer(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """JSON of a predict response.

    The name of an only output is left out. Floats have the digits that tell them from their
    neighbours, and no more.

    Args:
        outputs: by name, each of shape [batch, ...]; strings as an object array of bytes.
        rows: whether the request was in the row format.
    """
    columns = {name: _column(name, values) for name, values in outputs.items()}
    if rows:
        names, instances = list(columns), zip(*columns.values(), strict=True)
        answers = [dict(zip(names, row, strict=True)) for row in instances]
        given = {"predictions": [_unnamed(answer) for answer in answers]}
    else:
        given = {"outputs": _unnamed(columns)}
    return orjson.dumps(given, option=orjson.OPT_SERIALIZE_NUMPY)


def _column(name: str, values: np.ndarray) -> Any:
    if values.dtype != object:
        return np.ascontiguousarray(values)
    return [_text(value, name.endswith(BINARY)) for value in values]


def _text(value: Any, binary: bool) -> Any:
    if isinstance(value, np.ndarray):
        return [_text(inner, binary) for inner in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode("utf-8", "replace")


def _unnamed(values: dict[str, Any]) -> Any:
    return values if len(values) > 1 else next(iter(values.values()))

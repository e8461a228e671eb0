"""The pictures of a request: made readable for the model, and kept within limits."""

from dataclasses import dataclass

from components.image_example_gen.pictures import (
    MAX_PIXELS,
    UnusablePictureError,
    servable_picture,
)
from pipeline.serving.protocol.predict_request import Question
from pipeline.serving.protocol.request_errors import RequestError
from trainer_module.contract import example_features


@dataclass(frozen=True)
class Contents:
    """Values that the model can be asked about.

    Attributes:
        values: one per instance.
        pixels: of all of them.
    """

    values: list[bytes]
    pixels: int


def prepare_contents(question: Question, doubted: bool = False) -> Contents:
    """Look at the headers; decode only what TensorFlow would read differently.

    Pictures are treated as ingestion and `carryover predict` treat them, so that the model sees the
    pixels that it was trained on. TensorFlow Serving leaves that to the client.

    Args:
        question: what is asked.
        doubted: decode every picture, because the model refused one of them.

    Raises:
        RequestError: 400, naming the instance that cannot be used, or because there are more pixels
            than one picture of a data set may have.
    """
    values, pixels = [], 0
    for number, value in enumerate(question.values):
        try:
            ready, size = _prepared(value, question.input, doubted)
        except UnusablePictureError as error:
            raise RequestError(400, f"instance {number}: {error}") from None
        values.append(ready)
        pixels += size
        if pixels > MAX_PIXELS:
            reason = f"too many pixels in one request, the limit is {MAX_PIXELS:,}"
            raise RequestError(400, f"instance {number}: {reason}")
    return Contents(values, pixels)


def _prepared(value: bytes, name: str, doubted: bool) -> tuple[bytes, int]:
    picture = _picture_in(value, name)
    if picture is None:
        return value, 0
    ready, size = servable_picture(picture, doubted)
    return (ready if name == example_features.IMAGE else value), size


def _picture_in(value: bytes, name: str) -> bytes | None:
    """The picture itself, or the one in a serialized tf.Example, if there is one."""
    if name == example_features.IMAGE:
        return value
    from google.protobuf.message import DecodeError
    from tensorflow.core.example.example_pb2 import Example

    try:
        found = Example.FromString(value).features.feature[example_features.IMAGE].bytes_list.value
    except DecodeError:
        raise UnusablePictureError("not a serialized tf.Example") from None
    return found[0] if found else None

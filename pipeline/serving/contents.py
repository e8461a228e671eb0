"""The pictures of a request: made readable for the model, and kept within limits."""

from collections.abc import Callable
from dataclasses import dataclass

from components.image_example_gen.pictures import (
    MAX_PIXELS,
    UnusablePictureError,
    read_picture,
    servable_picture,
)
from pipeline.serving.errors import RequestError
from pipeline.serving.questions import Question
from trainer_module import features


@dataclass(frozen=True)
class Contents:
    """Values that the model can be asked about.

    Attributes:
        values: one per instance.
        pixels: of all of them.
    """

    values: list[bytes]
    pixels: int


def prepare_contents(question: Question) -> Contents:
    """Look at the headers; decode only what TensorFlow would read differently.

    Pictures are treated as ingestion and `carryover predict` treat them, so that the model sees the
    pixels that it was trained on. TensorFlow Serving leaves that to the client.

    Raises:
        RequestError: 400, naming the instance that cannot be used, or because there are more pixels
            than one picture of a data set may have.
    """
    return _each(question, _prepared)


def repair_contents(question: Question) -> Contents:
    """Decode all pictures of a request that the model refused.

    Returns:
        What the model reads for certain.

    Raises:
        RequestError: 400, naming the instance that is damaged.
    """
    return _each(question, _repaired)


def _each(question: Question, make: Callable[[bytes, str], tuple[bytes, int]]) -> Contents:
    values, pixels = [], 0
    for number, value in enumerate(question.values):
        try:
            ready, size = make(value, question.input)
        except UnusablePictureError as error:
            raise RequestError(400, f"instance {number}: {error}") from None
        values.append(ready)
        pixels += size
        if pixels > MAX_PIXELS:
            reason = f"too many pixels in one request, the limit is {MAX_PIXELS:,}"
            raise RequestError(400, f"instance {number}: {reason}")
    return Contents(values, pixels)


def _prepared(value: bytes, name: str) -> tuple[bytes, int]:
    picture = _picture_in(value, name)
    if picture is None:
        return value, 0
    ready, size = servable_picture(picture)
    return (ready if name == features.IMAGE else value), size


def _repaired(value: bytes, name: str) -> tuple[bytes, int]:
    content = _picture_in(value, name)
    if content is None:
        return value, 0
    picture = read_picture(content)
    size = picture.width * picture.height
    return (picture.encoded if name == features.IMAGE else value), size


def _picture_in(value: bytes, name: str) -> bytes | None:
    """The picture itself, or the one in a serialized tf.Example, if there is one."""
    if name == features.IMAGE:
        return value
    from google.protobuf.message import DecodeError
    from tensorflow.core.example.example_pb2 import Example

    try:
        found = Example.FromString(value).features.feature[features.IMAGE].bytes_list.value
    except DecodeError:
        raise UnusablePictureError("not a serialized tf.Example") from None
    return found[0] if found else None

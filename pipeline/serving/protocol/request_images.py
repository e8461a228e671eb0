"""Pictures of a predict request, prepared for the model and within limits."""

from dataclasses import dataclass

from components.image_example_gen.picture_reader import (
    MAX_PIXELS,
    UnusablePictureError,
    servable_picture,
)
from pipeline.serving.protocol.predict_request import PredictRequest
from pipeline.serving.protocol.request_errors import RequestError
from trainer_module.contract import example_features


@dataclass(frozen=True)
class RequestImages:
    """Instances that the model can be called with.

    Attributes:
        instances: Encoded pictures or serialized tf.Examples.
        num_pixels: Number of pixels of all pictures.
    """

    instances: list[bytes]
    num_pixels: int


def prepare_images(request: PredictRequest, decode_all: bool = False) -> RequestImages:
    """Prepare the pictures of a request as ingestion and `carryover predict` do.

    The model then sees the same pixels as in training. (TensorFlow Serving leaves that to the
    client.) Only the headers are read, except for pictures that TensorFlow would decode
    differently: those are decoded and encoded as PNG.

    Args:
        request: Predict request.
        decode_all: Whether to decode every picture, because the model failed on one of them.

    Raises:
        RequestError: A picture is unusable, or the request has more pixels than a picture of a
            data set may have; status 400, with the number of the instance.
    """
    instances, num_pixels = [], 0
    for number, instance in enumerate(request.instances):
        try:
            prepared, size = _prepare(instance, request.input_name, decode_all)
        except UnusablePictureError as error:
            raise RequestError(400, f"instance {number}: {error}") from None
        instances.append(prepared)
        num_pixels += size
        if num_pixels > MAX_PIXELS:
            reason = f"too many pixels in one request, the limit is {MAX_PIXELS:,}"
            raise RequestError(400, f"instance {number}: {reason}")
    return RequestImages(instances, num_pixels)


def _prepare(instance: bytes, input_name: str, decode_all: bool) -> tuple[bytes, int]:
    """Return an instance for the model, and the number of its pixels."""
    picture = _extract_picture(instance, input_name)
    if picture is None:
        return instance, 0
    prepared, size = servable_picture(picture, decode_all)
    return (prepared if input_name == example_features.IMAGE else instance), size


def _extract_picture(instance: bytes, input_name: str) -> bytes | None:
    """Return the picture itself, or the one in a serialized tf.Example, if there is one."""
    if input_name == example_features.IMAGE:
        return instance
    from google.protobuf.message import DecodeError
    from tensorflow.core.example.example_pb2 import Example

    try:
        feature = Example.FromString(instance).features.feature
    except DecodeError:
        raise UnusablePictureError("not a serialized tf.Example") from None
    values = feature[example_features.IMAGE].bytes_list.value
    return values[0] if values else None

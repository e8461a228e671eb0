"""Pictures of a predict request, prepared for the model."""

from dataclasses import dataclass

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.serving.decoding.decoding_cost import DecodingCost
from trainer_module.contract import example_features


@dataclass(frozen=True)
class RequestImages:
    """Instances that the model can be called with.

    Attributes:
        instances: Encoded pictures or serialized tf.Examples.
        costs: Costs of decoding each of them.
    """

    instances: list[bytes]
    costs: list[DecodingCost]


def extract_picture(instance: bytes, input_name: str) -> bytes | None:
    """Return the picture of an instance, or None if it has none.

    Args:
        instance: The picture itself, or a serialized tf.Example.
        input_name: Name of the input that the instance is for.

    Raises:
        UnusablePictureError: The instance is not a serialized tf.Example.
    """
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


def replace_picture(instance: bytes, input_name: str, picture: bytes) -> bytes:
    """Return an instance with another picture.

    Args:
        instance: As for `extract_picture`.
        input_name: As for `extract_picture`.
        picture: Picture to put in its place.
    """
    if input_name == example_features.IMAGE:
        return picture
    from tensorflow.core.example.example_pb2 import Example

    example = Example.FromString(instance)
    example.features.feature[example_features.IMAGE].bytes_list.value[:] = [picture]
    serialized: bytes = example.SerializeToString()
    return serialized

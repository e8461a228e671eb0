"""Pictures within instances of both kinds."""

import pytest

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.serving.protocol.request_images import extract_picture, replace_picture


def example(**features: list[bytes]) -> bytes:
    from tensorflow.core.example.example_pb2 import Example

    made = Example()
    for name, values in features.items():
        made.features.feature[name].bytes_list.value.extend(values)
    return made.SerializeToString()


@pytest.mark.component
def test_the_picture_of_an_example_is_found_and_replaced():
    from tensorflow.core.example.example_pb2 import Example

    instance = example(image=[b"old", b"more"], label=[b"cat"])
    assert extract_picture(instance, "examples") == b"old"
    replaced = Example.FromString(replace_picture(instance, "examples", b"new"))
    # Serialized bytes cannot be compared: the order of a map's entries is not defined.
    assert replaced == Example.FromString(example(image=[b"new"], label=[b"cat"]))


def test_an_encoded_picture_is_the_instance_itself():
    assert extract_picture(b"picture", "image") == b"picture"
    assert replace_picture(b"picture", "image", b"new") == b"new"


@pytest.mark.component
def test_an_example_may_have_no_picture():
    assert extract_picture(example(label=[b"cat"]), "examples") is None


@pytest.mark.component
def test_other_bytes_are_unusable():
    with pytest.raises(UnusablePictureError, match=r"not a serialized tf\.Example"):
        extract_picture(b"\xff\xff", "examples")

"""Any file is a picture that the model can decode, or there is a reason; nothing else is raised."""

import contextlib
import io

import numpy as np
import pytest
from mutated_bytes import MutationFuzzer
from odd_pictures import GOOD, SHAPES, scene
from PIL import Image

from components.image_example_gen.picture_reader import (
    UnusablePictureError,
    plain_pixels,
    read_picture,
    servable_picture,
)
from components.image_example_gen.pixels.decoding_limits import CostlyPictureError
from pipeline.serving.decoding.decoding_cost import DecodingCost
from pipeline.serving.decoding.simple_pictures import is_simple
from pipeline.serving.decoding.webp_header import webp_pixels
from pipeline.serving.protocol.request_images import extract_picture, replace_picture

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Return one file of every kind that is read."""
    image = scene(SHAPES[0], (90, 120, 160), (200, 40, 40), np.random.default_rng(5))
    return {name: kind.encode(image) for name, kind in GOOD.items()}


@pytest.fixture(autouse=True)
def _few_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse pictures that take a second to decode: what is tested is not the limit."""
    monkeypatch.setattr("components.image_example_gen.picture_reader.MAX_PIXELS", 1_000_000)


def read(content: bytes) -> None:
    """Read a file as ingestion does."""
    try:
        picture = read_picture(content)
    except UnusablePictureError as error:
        assert_reason(error)
    else:
        assert shown_size(picture.encoded) == (picture.width, picture.height)
        assert webp_pixels(content) in (0, picture.width * picture.height)
        encoded, _ = servable_picture(content)  # what can be trained on can be served
        assert shown_size(encoded) == (picture.width, picture.height)


def serve(content: bytes) -> None:
    """Read a file as the server does."""
    with contextlib.suppress(CostlyPictureError):
        assert is_simple(content) in (False, True)
    try:
        num_pixels = plain_pixels(content)
        encoded, size = servable_picture(content)
        rewritten, _ = servable_picture(content, rewrite=True)
        assert (encoded == content) == (num_pixels is not None)
        assert num_pixels in (None, size)
        assert shown_size(rewritten)
        assert np.prod(shown_size(encoded)) == size
        assert DecodingCost.of_picture(encoded, size).memory > size
    except UnusablePictureError as error:
        assert_reason(error)


def assert_reason(error: UnusablePictureError) -> None:
    assert str(error)
    assert "\n" not in str(error)


def shown_size(encoded: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG")) as image:
        return image.size


def test_a_mutated_picture_is_trained_on_or_has_a_reason(
    mutation_fuzzer: MutationFuzzer, files: dict[str, bytes]
) -> None:
    mutation_fuzzer.run("picture", read, files, 500)


def test_a_mutated_picture_is_served_or_has_a_reason(
    mutation_fuzzer: MutationFuzzer, files: dict[str, bytes]
) -> None:
    mutation_fuzzer.run("served_picture", serve, files, 500)


def test_a_mutated_example_has_a_picture_or_a_reason(
    mutation_fuzzer: MutationFuzzer, files: dict[str, bytes]
) -> None:
    from tensorflow.core.example.example_pb2 import Example

    def extract(content: bytes) -> None:
        try:
            picture = extract_picture(content, "examples")
        except UnusablePictureError as error:
            assert str(error) == "not a serialized tf.Example"
            return
        if picture is not None:
            replaced = replace_picture(content, "examples", b"other")
            assert extract_picture(replaced, "examples") == b"other"

    examples = {}
    for name in ("plain.png", "baseline.jpg", "lossy.webp"):
        example = Example()
        example.features.feature["image"].bytes_list.value.append(files[name])
        example.features.feature["domain"].bytes_list.value.append(b"day")
        examples[name] = example.SerializeToString()
    mutation_fuzzer.run("example", extract, examples, 300)

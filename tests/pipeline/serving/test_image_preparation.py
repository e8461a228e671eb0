"""Pictures of a request, prepared within limits."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from costly_pictures import large, progressive, with_segments
from tiny_pictures import encode, gradient, png_of, solid

from components.image_example_gen.picture_reader import UnusablePictureError, servable_picture
from pipeline.serving import image_preparation
from pipeline.serving.image_preparation import ImagePreparation
from pipeline.serving.limits.memory_budget import MemoryBudget, RequestMemory
from pipeline.serving.protocol.predict_request import PredictRequest
from pipeline.serving.protocol.request_images import RequestImages
from pipeline.web.request_errors import RequestError


class Decoders:
    """Decodes in this process, and notes what."""

    def __init__(self):
        self.decoded = []

    async def prepare(self, content, rewrite):
        self.decoded.append(content)
        return servable_picture(content, rewrite)


def prepare(*instances, decode_all=False, budget=None) -> tuple[RequestImages, list[bytes]]:
    """Return the prepared pictures, and those that were decoded."""
    request = PredictRequest("serving_default", "image", list(instances), row_format=True)
    decoders = Decoders()
    with ThreadPoolExecutor(1) as threads, RequestMemory(budget or MemoryBudget(10**9)) as memory:
        preparation = ImagePreparation(decoders, threads)
        return asyncio.run(preparation.prepare(request, memory, decode_all)), decoders.decoded


def message(*instances) -> str:
    with pytest.raises(RequestError) as error:
        prepare(*instances)
    assert error.value.status == 400
    return error.value.message


def test_plain_pictures_are_kept_and_only_others_are_decoded_elsewhere():
    plain = [solid("red"), solid("red", form="JPEG"), progressive((40, 30))]
    turned = encode(
        gradient(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"
    )
    others = [solid("red", form=form) for form in ("WEBP", "GIF", "BMP")] + [turned]
    images, decoded = prepare(*plain, *others)
    assert decoded == others
    assert images.instances[:3] == plain
    assert images.instances[3:] == [servable_picture(one)[0] for one in others]
    assert [cost.num_pixels for cost in images.costs] == [12, 12, 1200, 12, 12, 12, 12]


def test_all_are_decoded_after_the_model_failed():
    assert prepare(solid("red"), solid("blue"), decode_all=True)[1] == [solid("red"), solid("blue")]


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (png_of(7_300, 7_300, 8, 2), "too many pixels: 7300x7300, the limit is 52,000,000"),
        (progressive((40, 30), 100), "too many scans: the limit is 100"),
        (with_segments(3_000), "too many segments: the limit is 2,000"),
        (b"", "empty file"),
    ],
)
def test_a_picture_beyond_a_limit_is_named(picture, reason):
    assert message(solid("red"), picture) == f"instance 1: {reason}"


def test_the_scans_of_all_pictures_of_a_request_are_limited(monkeypatch):
    monkeypatch.setattr(image_preparation, "MAX_REQUEST_SCANNED", 36_000)
    picture = progressive((40, 30))
    assert len(prepare(picture, picture, picture)[0].instances) == 3
    assert message(picture, picture, picture, picture) == (
        "instance 3: too many pixels in all scans of one request, the limit is 36,000"
    )


def test_prepared_pictures_are_kept_within_the_memory():
    noise = large("WEBP", 64, lossless=True)
    with pytest.raises(RequestError) as error:
        prepare(noise, noise, noise, budget=MemoryBudget(3 * len(servable_picture(noise)[0])))
    assert error.value.status == 413


@pytest.mark.component
def test_the_picture_of_an_example_is_prepared_like_any_other():
    from tensorflow.core.example.example_pb2 import Example

    def example(picture: bytes) -> bytes:
        made = Example()
        made.features.feature["image"].bytes_list.value.append(picture)
        return made.SerializeToString()

    gif, png = solid("red", form="GIF"), solid("red")
    request = PredictRequest("serving_examples", "examples", [example(gif), example(png)], True)
    with ThreadPoolExecutor(1) as threads, RequestMemory(MemoryBudget(10**9)) as memory:
        preparation = ImagePreparation(Decoders(), threads)
        images = asyncio.run(preparation.prepare(request, memory))
    assert images.instances == [example(servable_picture(gif)[0]), example(png)]


def test_a_decoder_that_fails_is_named():
    class Failing(Decoders):
        async def prepare(self, content, rewrite):
            raise UnusablePictureError("too costly: it takes more than 15 seconds to decode")

    request = PredictRequest("serving_default", "image", [solid("red", form="GIF")], True)
    with ThreadPoolExecutor(1) as threads, RequestMemory(MemoryBudget(10**9)) as memory:
        preparation = ImagePreparation(Failing(), threads)
        with pytest.raises(RequestError, match="instance 0: too costly"):
            asyncio.run(preparation.prepare(request, memory))

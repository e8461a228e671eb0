"""Sizes of WebP pictures."""

import pytest
from PIL import Image
from tiny_pictures import encode, solid

from pipeline.serving.decoding.webp_header import webp_pixels


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (300, 200), (16_383, 5)])
def test_the_header_tells_the_pixels_of_every_kind(mode, lossless, size):
    content = encode(Image.new(mode, size), "WEBP", lossless=lossless)
    assert webp_pixels(content) == size[0] * size[1]


def test_an_animation_has_the_pixels_of_its_canvas():
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue")]
    content = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert webp_pixels(content) == 600


def test_other_files_have_none():
    for content in (b"", b"RIFF", solid("red"), b"RIFF\0\0\0\0WEBPABCD" + bytes(20)):
        assert webp_pixels(content) == 0

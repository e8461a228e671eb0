"""Pictures that need no decoder process."""

import pytest
from costly_pictures import png_with, progressive, text_bomb, with_segments
from PIL import Image
from tiny_pictures import encode, solid

from components.image_example_gen.pixels.decoding_limits import CostlyPictureError
from pipeline.serving.decoding.simple_pictures import is_simple


@pytest.mark.parametrize(
    "content",
    [
        solid("red"),
        solid("red", form="JPEG"),
        progressive((40, 30)),
        with_segments(2, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + bytes(200)),
        png_with([(b"tEXt", b"k\0text")] * 20),
    ],
)
def test_jpeg_and_png_files_with_usual_headers_are_simple(content):
    assert is_simple(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        solid("red", form="WEBP"),
        solid("red", form="GIF"),
        solid("red", form="TIFF"),
        with_segments(4, 0xE1, b"x" * 60_000),
        encode(Image.new("L", (3_000, 3_000)), "JPEG", quality=1, optimize=True),  # zeros
        png_with([(b"tEXt", b"k\0text")] * 25),
        png_with([(b"tEXt", b"k\0" + b"x" * 200_000)]),
        png_with([(b"eXIf", b"II*\0")], after=True),
        png_with(text_bomb(num_bytes=1_000_000, num_texts=40), after=True),
    ],
)
def test_all_others_are_not(content):
    assert not is_simple(content)


def test_a_picture_that_costs_too_much_is_refused():
    with pytest.raises(CostlyPictureError, match="too many scans"):
        is_simple(progressive((40, 30), 200))

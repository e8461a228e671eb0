"""JPEG files that lost part of their picture are refused; all others are not."""

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from odd_pictures import scene
from PIL import Image, ImageDraw
from tiny_pictures import encode, photo

from components.image_example_gen.picture_reader import (
    UnusablePictureError,
    read_picture,
    servable_picture,
)
from components.image_example_gen.pixels.jpeg_damage import check_jpeg, check_tail

pytestmark = pytest.mark.component

RNG = np.random.default_rng(0)
TEXT = b"Lorem ipsum dolor sit amet. "

ENCODINGS = {
    "baseline": {"quality": 85},
    "optimised": {"quality": 85, "optimize": True},
    "progressive": {"quality": 85, "progressive": True},
    "restarts": {"quality": 85, "restart_marker_rows": 1},
    "restarts often": {"quality": 60, "restart_marker_blocks": 4, "optimize": True},
    "4:4:4": {"quality": 95, "subsampling": "4:4:4"},
}


def drawing(size: tuple[int, int], lines: int) -> Image.Image:
    """Lines on white paper, which optimised codes turn into long runs of zeros."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for _ in range(lines):
        start, end = RNG.integers(0, min(size), (2, 2)).tolist()
        pen.line((*start, *end), fill=(20, 60, 160), width=3)
    return image


def damaged(content: bytes, share: float) -> Iterator[tuple[str, bytes]]:
    """Yield a file that is whole up to a share of its bytes, in many ways."""
    length = len(content)
    kept, lost = content[: int(length * share)], length - int(length * share)
    end = content[-2:]
    yield "cut off", kept
    yield "cut off, with an end", kept + end
    yield "zeros", kept + bytes(lost)
    yield "zeros and the end", kept + bytes(lost - 2) + end
    yield "ones", kept + b"\xff" * lost
    yield "noise", kept + RNG.bytes(lost)
    yield "text", kept + (TEXT * lost)[:lost]
    yield "its own start again", kept + content[:lost]


@pytest.mark.parametrize("share", [0.35, 0.5, 0.8])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_lost_end_is_noticed(encoding, share):
    content = encode(photo(), "JPEG", **ENCODINGS[encoding])
    for name, broken in damaged(content, share):
        if encoding == "progressive" and name == "cut off, with an end":
            continue  # the picture is there, with less detail
        with pytest.raises(UnusablePictureError, match=r"^damaged: "):
            pytest.fail(f"{name}: {read_picture(broken).width}")


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("encoding", ["baseline", "progressive", "restarts"])
def test_it_is_noticed_in_pictures_that_are_turned(encoding, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(photo(), "JPEG", exif=exif, **ENCODINGS[encoding])
    read_picture(content)
    for name, broken in damaged(content, 0.6):
        if encoding == "progressive" and name == "cut off, with an end":
            continue
        with pytest.raises(UnusablePictureError, match=r"^damaged: "):
            pytest.fail(f"{name}: {read_picture(broken).width}")


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_it_is_noticed_in_other_colours(mode):
    content = encode(photo().convert(mode), "JPEG", quality=85)
    read_picture(content)
    for name, broken in damaged(content, 0.6):
        with pytest.raises(UnusablePictureError, match=r"^damaged: "):
            pytest.fail(f"{name}: {read_picture(broken).width}")


@pytest.mark.parametrize("encoding", ["baseline", "optimised", "restarts", "progressive"])
@pytest.mark.parametrize("size", [512, 4096])
def test_a_hole_of_zeros_is_noticed(encoding, size):
    content = encode(photo((640, 480)), "JPEG", **ENCODINGS[encoding])
    middle = len(content) // 2
    broken = content[:middle] + bytes(size) + content[middle + size :]
    with pytest.raises(UnusablePictureError, match=r"^damaged: the coded data are"):
        read_picture(broken)


@pytest.mark.parametrize("encoding", ["restarts", "restarts often"])
@pytest.mark.parametrize("lost", [slice(None), slice(5, 6)], ids=["all", "one"])
def test_missing_restart_markers_are_noticed(encoding, lost):
    content = encode(photo(), "JPEG", **ENCODINGS[encoding])
    markers = [match.start() for match in re.finditer(rb"\xff[\xd0-\xd7]", content)][lost]
    for position in reversed(markers):
        content = content[:position] + content[position + 2 :]
    with pytest.raises(UnusablePictureError, match=r"^damaged: .*restart markers are missing"):
        read_picture(content)


@pytest.mark.parametrize("encoding", ["baseline", "optimised", "4:4:4"])
def test_serving_refuses_a_file_whose_end_is_zeros_or_missing(encoding):
    content = encode(photo(), "JPEG", **ENCODINGS[encoding])
    for name, broken in damaged(content, 0.5):
        for rewrite in (False, True):
            if name in ("text", "cut off, with an end") and not rewrite:
                continue  # only decoding shows that
            with pytest.raises(UnusablePictureError, match=r"^damaged: "):
                pytest.fail(f"{name}: {servable_picture(broken, rewrite)[1]}")


def good_pictures() -> Iterator[tuple[str, Image.Image]]:
    yield "photo", photo()
    yield "odd size", photo((641, 333))
    yield "small", photo((24, 17))
    yield "grey", photo().convert("L")
    yield "scene", scene("cross", (235, 230, 222), (20, 60, 160), RNG)
    for size, lines in (((500, 400), 4), ((1000, 1001), 1), ((1024, 300), 0)):
        yield f"drawing of {lines} lines", drawing(size, lines)
    for colour in ("black", "white", (128, 128, 128), (127, 130, 128)):
        yield f"{colour}", Image.new("RGB", (600, 500), colour)
    yield "middle grey", Image.new("L", (300, 300), 128)
    half = photo()
    half.paste((128, 128, 128), (0, 120, 320, 240))
    yield "a photo above middle grey", half


@pytest.mark.parametrize("name", dict(good_pictures()))
def test_whole_pictures_are_accepted(name):
    image = dict(good_pictures())[name]
    for encoding, options in ENCODINGS.items():
        for quality in (30, 95, 100):
            changes = {"quality": quality} | ({} if image.mode == "RGB" else {"subsampling": 0})
            content = encode(image, "JPEG", **(options | changes))
            check_tail(content, check_jpeg(content), Image.open(io.BytesIO(content)))
            assert content[check_jpeg(content) :] == b"\xff\xd9", encoding


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(bytes(4096), id="padding"),
        pytest.param(b"\xff" * 99, id="ones"),
        pytest.param(RNG.bytes(5000), id="noise"),
        pytest.param(b"\0\0\0\x18ftypmp42" + RNG.bytes(900), id="a film"),
        pytest.param(encode(Image.new("RGB", (64, 64), "red"), "JPEG"), id="another picture"),
        pytest.param(encode(photo(), "JPEG")[:700], id="half of another picture"),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bytes_after_the_end_are_allowed(encoding, after):
    content = encode(photo(), "JPEG", **ENCODINGS[encoding])
    assert read_picture(content + after).encoded == content + after


def test_several_pictures_in_one_file_are_allowed():
    content = encode(photo(), "MPO", save_all=True, append_images=[photo(), photo()])
    assert read_picture(content).encoded == content


def test_a_thumbnail_in_a_segment_is_not_taken_for_the_picture():
    thumbnail = encode(photo((80, 60)), "JPEG")
    segment = b"Exif\0\0" + thumbnail
    content = encode(photo(), "JPEG")
    marked = (
        content[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + content[2:]
    )
    assert read_picture(marked).encoded == marked
    with pytest.raises(UnusablePictureError, match="the file ends before the picture"):
        read_picture(marked[: len(marked) // 2])

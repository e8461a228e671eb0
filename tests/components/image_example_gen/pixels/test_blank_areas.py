"""Blank pictures, and the block of one colour that a damaged file leaves."""

import numpy as np
import pytest
import tiny_pictures
from PIL import Image, ImageDraw

from components.image_example_gen.picture_reader import read_picture
from components.image_example_gen.pixels.blank_areas import describe_blank_areas

SIDE = 64
RNG = np.random.default_rng(5)


def described(*pictures: np.ndarray) -> list[str]:
    return describe_blank_areas(np.stack(pictures).astype(np.uint8))


def photo() -> np.ndarray:
    smooth = RNG.integers(0, 255, (8, 8, 3)).astype(np.uint8)
    grown = np.asarray(Image.fromarray(smooth).resize((SIDE, SIDE))).astype(int)
    return (grown + RNG.integers(-9, 9, grown.shape)).clip(0, 255)


def painted(level: tuple[int, int, int], **block: slice) -> np.ndarray:
    picture = photo()
    picture[block.get("rows", slice(None)), block.get("columns", slice(None))] = level
    return picture


@pytest.mark.parametrize("level", [0, 1, 128, 200, 255])
def test_pictures_of_one_colour_are_found(level):
    noise = np.clip(level + RNG.integers(-1, 2, (SIDE, SIDE, 3)), 0, 255)
    assert described(np.full((SIDE, SIDE, 3), level), noise) == ["one colour", "one colour"]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"rows": slice(32, None)}, "bottom 50%"),
        ({"rows": slice(48, None)}, "bottom 25%"),
        ({"rows": slice(None, 16)}, "top 25%"),
        ({"columns": slice(24, None)}, "right 62%"),
        ({"columns": slice(None, 20)}, "left 31%"),
    ],
)
@pytest.mark.parametrize("level", [(128, 128, 128), (0, 0, 0), (0, 135, 0), (90, 40, 20)])
def test_a_block_of_one_colour_on_one_side_is_found(block, text, level):
    assert described(painted(level, **block)) == [text]


@pytest.mark.parametrize("form", ["BMP", "PPM", "TIFF"])
def test_what_zeros_at_the_end_of_an_uncompressed_file_leave_is_found(form):
    image = tiny_pictures.photo()
    content = tiny_pictures.encode(image, form)
    kept = len(content) // 2
    picture = read_picture(content[:kept] + bytes(len(content) - kept))
    side = "top" if form == "BMP" else "bottom"  # the rows of BMP come from the bottom up
    assert described(picture.thumbnail) == [f"{side} 50%"]
    assert described(read_picture(content).thumbnail) == [""]


def drawing(paper: str, lines: int, bottom_free: bool = False) -> np.ndarray:
    image = Image.new("RGB", (SIDE, SIDE), paper)
    pen = ImageDraw.Draw(image)
    for _ in range(lines):
        start, end = RNG.integers(4, SIDE // 2 if bottom_free else SIDE - 4, (2, 2)).tolist()
        pen.line((*start, *end), fill=(20, 60, 160), width=2)
    return np.asarray(image)


def test_drawings_on_paper_are_not_found():
    for paper in ("white", "#f4ecd8", "black", (128, 128, 128)):
        assert described(drawing(paper, 5), drawing(paper, 3, bottom_free=True)) == ["", ""]


def test_pictures_between_bars_and_below_a_white_sky_are_not_found():
    bars = photo()
    bars[:14] = bars[-14:] = 0
    sides = photo()
    sides[:, :14] = sides[:, -14:] = 20
    sky = painted((255, 255, 255), rows=slice(None, 24))
    assert described(photo(), bars, sides, sky) == ["", "", "", ""]


def test_a_small_block_is_not_found():
    assert described(painted((0, 0, 0), rows=slice(56, None))) == [""]

import pytest
from emoji_pictures.build_error import BuildError
from emoji_pictures.drawing import drop_repeated, flatten
from emoji_pictures.emoji_selection import Emoji
from PIL import Image


def square(colour: str) -> Image.Image:
    return Image.new("RGB", (4, 4), colour)


def test_transparency_becomes_white_and_the_picture_is_centred() -> None:
    source = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    source.putpixel((0, 0), (255, 0, 0, 255))
    source.putpixel((63, 63), (0, 0, 0, 128))
    flat = flatten(source)
    assert (flat.mode, flat.size) == ("RGB", (72, 72))
    assert flat.getpixel((4, 4)) == (255, 0, 0)
    assert flat.getpixel((67, 67)) == (127, 127, 127)
    assert flat.getpixel((5, 5)) == flat.getpixel((0, 0)) == (255, 255, 255)


def test_palette_picture_keeps_its_transparency() -> None:
    source = Image.new("P", (2, 2), 0)
    source.putpalette([255, 0, 0])
    source.info["transparency"] = 0
    assert set(flatten(source).getdata()) == {(255, 255, 255)}


def test_too_large_a_drawing_is_refused() -> None:
    with pytest.raises(BuildError, match=r"at most 72 px.*\(73, 72\)"):
        flatten(Image.new("RGB", (73, 72)))


def test_emoji_that_one_domain_draws_like_an_earlier_one_is_dropped() -> None:
    first, second, third = (Emoji("face", stem, ()) for stem in "abc")
    drawn = {
        "colour": {"a": square("red"), "b": square("blue"), "c": square("green")},
        "lines": {"a": square("white"), "b": square("white"), "c": square("black")},
    }
    assert drop_repeated([first, second, third], drawn) == [first, third]

"""Damage that the decoders of PNG, GIF, WebP and AVIF accept."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, features
from tiny_pictures import encode, photo

from components.image_example_gen.picture_reader import (
    UnusablePictureError,
    read_picture,
    servable_picture,
)

pytestmark = pytest.mark.component

RNG = np.random.default_rng(2)


def filled(content: bytes, share: float, by: bytes) -> bytes:
    kept = int(len(content) * share)
    return content[:kept] + (by * len(content))[: len(content) - kept]


FILLS = {"zeros": b"\0", "ones": b"\xff", "text": b"Lorem ipsum ", "noise": RNG.bytes(997)}


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1"])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
@pytest.mark.parametrize("fill", FILLS)
def test_a_png_with_a_lost_end_is_refused(mode, share, fill):
    content = filled(encode(photo().convert(mode)), share, FILLS[fill])
    with pytest.raises(UnusablePictureError, match=r"^damaged: "):
        read_picture(content)
    with pytest.raises(UnusablePictureError, match=r"^damaged: "):
        servable_picture(content, rewrite=True)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_a_png_with_a_hole_is_refused(mode):
    content = encode(photo().convert(mode))
    middle = len(content) // 2
    with pytest.raises(UnusablePictureError, match=r"^damaged: "):
        read_picture(content[:middle] + bytes(600) + content[middle + 600 :])


CODED = {
    "lossy webp": ("WEBP", {"quality": 90}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "animated webp": ("WEBP", {"save_all": True}),
}
if features.check("avif"):
    CODED["avif"] = ("AVIF", {"quality": 80})


def coded(name: str, image: Image.Image) -> bytes:
    form, options = CODED[name]
    more = {"append_images": [image.rotate(180)]} if "animated" in name else {}
    return encode(image, form, **options, **more)


@pytest.mark.parametrize("share", [0.4, 0.7])
@pytest.mark.parametrize("name", CODED)
def test_coded_pixels_that_end_in_zeros_are_refused(name, share):
    content = coded(name, photo())
    share = share / 2 if "animated" in name else share  # in the first frame
    for refuse in (read_picture, servable_picture):
        with pytest.raises(UnusablePictureError, match=r"^damaged: "):
            refuse(filled(content, share, b"\0"))


@pytest.mark.parametrize("form", ["GIF", "TIFF"])
@pytest.mark.parametrize("fill", FILLS)
def test_other_compressed_pictures_with_a_lost_end_are_refused(form, fill):
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    content = encode(photo(), form, **options)
    # The directory of a TIFF file may be at its end.
    with pytest.raises(UnusablePictureError, match=r"^damaged: |or a damaged header: "):
        read_picture(filled(content, 0.6, FILLS[fill]))


def test_a_gif_with_a_lost_end_is_refused_whatever_codes_its_table_holds():
    # Pillow decodes text as pixels here.
    image = Image.fromarray(RNG.integers(0, 256, (120, 160), dtype=np.uint8))
    content = filled(encode(image, "GIF"), 0.6, FILLS["text"])
    with pytest.raises(UnusablePictureError, match=r"^damaged: the file ends before"):
        read_picture(content)


@pytest.mark.parametrize("end", [b"", b"\0\0", b";more", b"\0!"])
def test_what_follows_the_first_frame_of_a_gif_need_not_be_whole(end):
    content = encode(photo(), "GIF")
    assert content.endswith(b"\0;")
    assert read_picture(content[:-1] + end).width == 320


def test_a_gif_with_comments_its_own_palette_and_frames_is_accepted():
    frames = [photo((160, side)) for side in (120, 110, 100)]
    options = {"save_all": True, "append_images": frames[1:], "comment": b"a," * 400}
    assert read_picture(encode(frames[0], "GIF", **options)).more_pages


def good_pictures() -> dict[str, Image.Image]:
    lines = Image.new("RGB", (1500, 1000), "white")
    ImageDraw.Draw(lines).line((20, 30, 600, 900), fill="navy", width=3)
    colours = {name: Image.new("RGB", (2000, 1500), name) for name in ("white", "black", "gray")}
    return {"photo": photo(), "lines": lines, **colours}


@pytest.mark.parametrize("name", good_pictures())
def test_whole_pictures_are_accepted(name):
    image = good_pictures()[name]
    files = [coded(name, image) for name in CODED]
    files += [encode(image.convert(mode)) for mode in ("RGB", "L", "P", "RGBA", "1")]
    files += [encode(image.convert(mode), "GIF") for mode in ("RGB", "L", "P", "RGBA", "1")]
    for content in files:
        picture = read_picture(content)
        assert (picture.width, picture.height) == image.size
        assert read_picture(content + bytes(500)).width == image.width

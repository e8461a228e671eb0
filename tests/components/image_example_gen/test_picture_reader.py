import contextlib
import io
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tiny_pictures import SIZE, encode, gradient, noise, png_of, solid

from components.image_example_gen import picture_reader
from components.image_example_gen.picture_reader import Picture, UnusablePictureError, read_picture

pytestmark = pytest.mark.component

ORIENTATION = 0x0112


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags


def reason(content: bytes) -> str:
    with pytest.raises(UnusablePictureError) as error:
        read_picture(content)
    return str(error.value)


def image_of(picture: Picture) -> Image.Image:
    """What is stored, as Pillow reads it."""
    return Image.open(io.BytesIO(picture.encoded)).convert("RGB")


def pixel(picture: Picture) -> tuple[int, int, int]:
    return image_of(picture).getpixel((0, 0))


def decoded_by_tensorflow(encoded: bytes) -> np.ndarray:
    import tensorflow as tf

    return tf.io.decode_image(encoded, channels=3, expand_animations=False).numpy()


@pytest.mark.parametrize(("form", "mode"), [(f, m) for f in ("PNG", "JPEG") for m in ("RGB", "L")])
def test_plain_png_and_jpeg_are_kept_byte_by_byte(form, mode):
    content = encode(gradient().convert(mode), form)
    picture = read_picture(content)
    assert picture.encoded is content
    assert picture.channels == len(mode)
    assert (image_of(picture).mode, image_of(picture).size) == ("RGB", SIZE)


def test_an_upright_exif_orientation_changes_nothing():
    content = encode(gradient(), "JPEG", exif=exif(1))
    assert read_picture(content).encoded is content


@pytest.mark.parametrize("form", ["WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_other_formats_become_png_with_the_same_pixels(form):
    shown = encode(gradient(), form, **({"lossless": True} if form == "WEBP" else {}))
    picture = read_picture(shown)
    assert Image.open(io.BytesIO(picture.encoded)).format == "PNG"
    expected = np.asarray(Image.open(io.BytesIO(shown)).convert("RGB"))
    np.testing.assert_array_equal(np.asarray(image_of(picture)), expected)


def test_a_palette_becomes_its_colours():
    content = encode(Image.new("RGB", SIZE, (250, 120, 0)).convert("P"))
    picture = read_picture(content)
    assert picture.channels == 1
    assert image_of(picture).mode == "RGB"
    assert pixel(picture) == Image.open(io.BytesIO(content)).convert("RGB").getpixel((0, 0))


@pytest.mark.parametrize(
    ("mode", "colour", "on_white"),
    [
        ("RGBA", (0, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 255), (0, 0, 0)),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("LA", (0, 51), (204, 204, 204)),
    ],
)
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_transparent_pictures_get_a_white_background(mode, colour, on_white, form):
    picture = read_picture(encode(Image.new(mode, SIZE, colour), form))
    assert pixel(picture) == on_white
    assert picture.channels == len(mode)


@pytest.mark.parametrize(("mode", "colour"), [("RGB", (9, 9, 9)), ("L", 9), ("P", 0)])
def test_a_transparent_colour_becomes_white(mode, colour):
    content = encode(Image.new(mode, SIZE, colour), transparency=colour)
    assert pixel(read_picture(content)) == (255, 255, 255)


def test_a_transparent_gif_gets_a_white_background():
    image = Image.new("P", SIZE, 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((1, 0), 1)
    picture = read_picture(encode(image, "GIF", transparency=0))
    assert pixel(picture) == (255, 255, 255)
    assert image_of(picture).getpixel((1, 0)) == (255, 0, 0)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_brightness(form):
    content = encode(Image.fromarray(np.full((3, 4), 0x80FF, np.uint16)), form)
    assert pixel(read_picture(content)) == (128, 128, 128)


def test_16_bit_colour_keeps_its_brightness():
    row = b"\0" + struct.pack(">3H", 0xFFFF, 0x8000, 0x00FF)
    assert pixel(read_picture(png_of(1, 1, 16, 2, row))) == (255, 128, 0)


def test_black_and_white_become_0_and_255():
    image = Image.new("1", SIZE, 1)
    image.putpixel((1, 0), 0)
    picture = read_picture(encode(image))
    assert (pixel(picture), image_of(picture).getpixel((1, 0))) == ((255,) * 3, (0,) * 3)


def test_cmyk_becomes_the_colours_that_pillow_shows():
    content = encode(Image.new("CMYK", SIZE, (0, 255, 255, 0)), "JPEG")
    picture = read_picture(content)
    assert picture.channels == 4
    assert pixel(picture) == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_rotated_pictures_are_made_upright(form, orientation):
    image = gradient()
    turned = encode(image, form, exif=exif(orientation))
    picture = read_picture(turned)
    assert image_of(picture).size == (SIZE if orientation < 5 else SIZE[::-1])
    # The tag must be gone with the turn: TensorFlow and Pillow must agree on what is up.
    again = Image.open(io.BytesIO(picture.encoded))
    assert again.getexif().get(ORIENTATION, 1) == 1
    np.testing.assert_array_equal(np.asarray(again), np.asarray(image_of(picture)))


def test_the_exif_orientation_turns_as_the_standard_says():
    image = Image.new("RGB", (2, 1), "black")
    image.putpixel((1, 0), (255, 255, 255))
    # 6: the first column of the file is the top row of the picture.
    picture = read_picture(encode(image, exif=exif(6)))
    assert image_of(picture).size == (1, 2)
    assert [image_of(picture).getpixel((0, y))[0] for y in (0, 1)] == [0, 255]


def test_the_first_frame_of_an_animation_is_read():
    frames = [Image.new("RGB", SIZE, colour) for colour in ("red", "blue")]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixel(read_picture(content)) == (255, 0, 0)


def test_the_picture_of_a_phone_with_several_in_one_file_is_the_first():
    frames = [Image.new("RGB", SIZE, colour) for colour in ("white", "black")]
    content = encode(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert pixel(read_picture(content)) == (255, 255, 255)


def every_kind() -> Iterator[tuple[str, bytes]]:
    for form in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"):
        yield form, encode(gradient(), form)
    for mode in ("1", "L", "LA", "P", "RGBA"):
        yield f"PNG {mode}", encode(gradient().convert(mode))
    yield "PNG 16 bit grey", encode(Image.fromarray(np.full((3, 4), 0x80FF, np.uint16)))
    yield "PNG 16 bit colour", png_of(1, 1, 16, 2, b"\0" + bytes(range(6)))
    yield "PNG 4 bit grey", png_of(2, 1, 4, 0, b"\0\x1b")
    yield "JPEG CMYK", encode(gradient().convert("CMYK"), "JPEG")
    yield "JPEG progressive", encode(gradient(), "JPEG", progressive=True)
    yield "JPEG turned", encode(gradient(), "JPEG", exif=exif(6))


@pytest.mark.parametrize("content", [pytest.param(c, id=name) for name, c in every_kind()])
def test_tensorflow_decodes_the_stored_picture_to_the_pixels_that_pillow_shows(content):
    picture = read_picture(content)
    decoded = decoded_by_tensorflow(picture.encoded).astype(int)
    # JPEG decoders may differ by a few levels.
    tolerance = 4 if picture.encoded.startswith(b"\xff\xd8") else 0
    np.testing.assert_allclose(decoded, np.asarray(image_of(picture)), atol=tolerance)


def test_an_empty_file_is_refused():
    assert reason(b"") == "empty file"


@pytest.mark.parametrize("content", [b"hello", b"<html><body>404</body></html>", b"\0"])
def test_a_file_that_is_no_picture_is_refused(content):
    assert reason(content) == "not a picture in a known format"


def test_postscript_is_refused_because_pillow_would_run_it():
    assert reason(encode(gradient(), "EPS")) == "not a picture in a known format"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_half_a_file_is_refused(form):
    content = encode(noise((32, 32), 50).convert("RGB"), form)
    assert reason(content[: len(content) // 2]).startswith("damaged: ")


@pytest.mark.parametrize("lost", [1, 4, 5, 8, 12, 16])
def test_a_png_without_its_last_bytes_is_refused_or_repaired(lost):
    # Pillow reads on where TensorFlow gives up, which would end the whole run in Transform.
    try:
        picture = read_picture(encode(gradient())[:-lost])
    except UnusablePictureError:
        return
    pixels = decoded_by_tensorflow(picture.encoded)
    np.testing.assert_array_equal(pixels, np.asarray(gradient()))


def test_a_png_with_a_wrong_checksum_is_refused_or_repaired():
    content = bytearray(encode(gradient(), pnginfo=_note()))
    content[content.index(b"tEXt") + 5] ^= 0xFF
    try:
        picture = read_picture(bytes(content))
    except UnusablePictureError:
        return
    pixels = decoded_by_tensorflow(picture.encoded)
    np.testing.assert_array_equal(pixels, np.asarray(gradient()))


def _note() -> PngInfo:
    note = PngInfo()
    note.add_text("Comment", "a note")
    return note


def test_a_rotated_picture_with_a_broken_tag_is_refused_or_made_upright():
    # Pillow raises struct.error here, when it writes the remaining tags again.
    tags = exif(6)
    tags[0x010F] = "maker"
    broken = encode(gradient(), "JPEG", exif=tags.tobytes()).replace(
        struct.pack(">HH", 0x010F, 2), struct.pack(">HH", 0x0100, 2)
    )
    try:
        picture = read_picture(broken)
    except UnusablePictureError as error:
        assert str(error).startswith("damaged: ")
    else:
        assert image_of(picture).size == SIZE[::-1]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_wrong_byte_anywhere_is_refused_or_tensorflow_reads_the_same_shape(form):
    content = encode(gradient(), form)
    for position in range(0, len(content), 3):
        broken = content[:position] + b"\xff" + content[position + 1 :]
        with contextlib.suppress(UnusablePictureError):
            picture = read_picture(broken)
            pixels = decoded_by_tensorflow(picture.encoded)
            assert pixels.shape == (*image_of(picture).size[::-1], 3), position


def test_formats_that_are_not_on_the_list_are_refused():
    content = encode(gradient().convert("P"), "BLP")
    assert reason(content) == "not a picture in a known format"


@pytest.mark.parametrize("size", [(1, 21), (2100, 100)])
def test_a_very_narrow_picture_is_refused(size):
    expected = f"too narrow: {size[0]}x{size[1]}, the longer side may be 20 times the shorter"
    assert reason(encode(Image.new("L", size))) == expected


def test_a_picture_of_twenty_to_one_is_accepted():
    assert image_of(read_picture(encode(Image.new("L", (20, 1))))).size == (20, 1)


def test_a_colour_profile_is_recorded():
    assert not read_picture(encode(gradient())).colour_profile
    assert read_picture(encode(gradient(), icc_profile=b"profile")).colour_profile


def test_the_thumbnail_is_the_box_average_of_the_picture():
    image = Image.new("RGB", (128, 128), "black")
    image.paste((255, 0, 0), (0, 0, 1, 128))
    thumbnail = read_picture(encode(image)).thumbnail
    assert thumbnail.shape == (64, 64, 3)
    assert thumbnail[0, 0].tolist() == [128, 0, 0]
    assert thumbnail[0, 1].tolist() == [0, 0, 0]


def test_more_pixels_than_the_limit_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(picture_reader, "MAX_PIXELS", 11)
    assert reason(encode(gradient())) == "too many pixels: 4x3, the limit is 11"


def test_as_many_pixels_as_the_limit_are_accepted(monkeypatch):
    monkeypatch.setattr(picture_reader, "MAX_PIXELS", 12)
    assert image_of(read_picture(encode(gradient()))).size == SIZE


@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_header_that_claims_a_huge_picture_is_refused(side):
    assert "pixels" in reason(png_of(side, side, 8, 2))


def test_reading_a_picture_changes_no_global_setting_of_pillow():
    limit = Image.MAX_IMAGE_PIXELS
    read_picture(solid("red"))
    assert limit == Image.MAX_IMAGE_PIXELS

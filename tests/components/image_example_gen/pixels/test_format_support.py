"""Pictures of known formats whose pixels cannot be read are named as such, never read wrong."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tiny_pictures import encode
from tiny_tiff import CMYK, RGB, WHITE_IS_ZERO, tiff_of

from components.image_example_gen.picture_reader import UnusablePictureError, servable_picture

pytestmark = pytest.mark.component

GREY = np.linspace(0, 1, 48)[None].repeat(32, axis=0)
COLOURS = np.stack([GREY, GREY[:, ::-1], GREY / 2], axis=2)
INKS = np.concatenate([COLOURS, COLOURS[..., :1] * 0], axis=2)
YCBCR, LAB = 6, 8


def stored(values: np.ndarray, kind: str) -> np.ndarray:
    top = 255 if kind.endswith("1") else 4095
    return (values * top).round().astype(kind)


def shown(content: bytes) -> np.ndarray:
    encoded, _ = servable_picture(content, rewrite=True)
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")).astype(float)


def refusal(content: bytes) -> str:
    with pytest.raises(UnusablePictureError) as error:
        servable_picture(content, rewrite=True)
    return str(error.value)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(
    ("values", "kind", "photometric", "shape"),
    [
        pytest.param(COLOURS, "<u2", RGB, "3 x 16", id="16-bit RGB"),
        pytest.param(COLOURS, ">u2", RGB, "3 x 16", id="big-endian 16-bit RGB"),
        pytest.param(INKS, "<u2", CMYK, "4 x 16", id="16-bit CMYK"),
        pytest.param(COLOURS, "<u1", YCBCR, "3 x 8", id="YCbCr"),
        pytest.param(COLOURS, "<u1", LAB, "3 x 8", id="LAB"),
    ],
)
def test_separate_planes_that_pillow_reads_wrong_are_refused(
    values, kind, photometric, shape, deflate
):
    content = tiff_of(stored(values, kind), photometric, deflate, planes=True)
    assert refusal(content) == (
        f"unsupported kind of TIFF: {shape} bits in separate planes; save it as PNG with 8 or 16 "
        "bits, or as TIFF with interleaved channels"
    )


@pytest.mark.parametrize("deflate", [False, True])
def test_plain_separate_planes_are_read(deflate):
    grey = np.stack([GREY] * 3, axis=2)
    colours, inks = stored(COLOURS, "u1"), stored(INKS, "u1")
    files = {
        "RGB": (tiff_of(colours, RGB, deflate, planes=True), COLOURS),
        "CMYK": (tiff_of(inks, CMYK, deflate, planes=True), 1 - COLOURS),
        "grey": (tiff_of(stored(GREY, "u1"), deflate=deflate, planes=True), grey),
    }
    for name, (content, expected) in files.items():
        np.testing.assert_allclose(shown(content), 255 * expected, atol=3, err_msg=name)


@pytest.mark.parametrize("kind", ["<u2", ">f4"])
def test_one_plane_is_read_if_it_is_compressed(kind):
    content = tiff_of(stored(GREY, kind), deflate=True, planes=True)
    np.testing.assert_allclose(shown(content)[..., 0], 255 * GREY, atol=1.5)
    plain = tiff_of(stored(GREY, kind), planes=True)
    assert refusal(plain).startswith("unsupported kind of TIFF: 1 x ")


def test_one_inverted_plane_is_not_read_as_its_negative():
    content = tiff_of(stored(GREY, "u1"), WHITE_IS_ZERO, planes=True)
    assert refusal(content).startswith("unsupported kind of TIFF: 1 x 8 bits in separate planes")


@pytest.mark.parametrize("compression", ["packbits", "zstd", "tiff_lzw", "tiff_deflate", "jpeg"])
@pytest.mark.parametrize("big_tiff", [False, True])
def test_every_compression_is_read_in_plain_and_in_big_files(compression, big_tiff):
    options = {"compression": compression, "big_tiff": big_tiff}
    if compression == "jpeg":
        options["quality"] = 95
    smooth = Image.fromarray(stored(np.stack([GREY] * 3, axis=2), "u1"))
    np.testing.assert_allclose(shown(encode(smooth, "TIFF", **options)), np.asarray(smooth), atol=3)
    if compression != "jpeg":
        deep = encode(Image.fromarray(stored(GREY, "u2")), "TIFF", **options)
        np.testing.assert_allclose(shown(deep)[..., 0], 255 * GREY, atol=1.5)


JPEG = encode(Image.fromarray(stored(COLOURS, "u1")), "JPEG")
FRAME = JPEG.index(b"\xff\xc0")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        pytest.param(tiff_of(GREY.astype("<f8")), "TIFF", id="64-bit floats"),
        pytest.param(tiff_of(GREY.astype("<f2")), "TIFF", id="16-bit floats"),
        pytest.param(tiff_of(COLOURS.astype("<f4"), RGB), "TIFF", id="colours of floats"),
        pytest.param(tiff_of(stored(COLOURS, "<i2"), RGB), "TIFF", id="signed colours"),
        pytest.param(tiff_of(stored(COLOURS, "<u4"), RGB), "TIFF", id="colours of 32 bits"),
        pytest.param(tiff_of(stored(GREY, ">u4")), "TIFF", id="big-endian 32 bits"),
        pytest.param(tiff_of(stored(COLOURS[..., :2], "<u2")), "TIFF", id="two channels"),
        pytest.param(tiff_of(stored(np.dstack([INKS, GREY]), "u1"), RGB), "TIFF", id="5 channels"),
        pytest.param(
            JPEG[: FRAME + 4] + b"\x0c" + JPEG[FRAME + 5 :], "JPEG", id="12 bits per channel"
        ),
        pytest.param(JPEG[:FRAME] + b"\xff\xf7" + JPEG[FRAME + 2 :], "JPEG", id="JPEG-LS"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(40), "PNG", id="no header"),
    ],
)
def test_a_kind_that_is_not_read_is_named_with_its_format_and_a_remedy(content, form):
    assert refusal(content) == (
        f"unsupported kind of {form}, or a damaged header: save it as PNG with 8 or 16 bits"
    )


def test_webp_inside_of_tiff_is_named_and_not_called_damaged():
    content = encode(Image.new("RGB", (32, 32), "red"), "TIFF")
    uncompressed, webp = (struct.pack("<HHLL", 259, 3, 1, kind) for kind in (1, 50_001))
    assert uncompressed in content
    with pytest.raises(UnusablePictureError, match="unsupported kind of TIFF: WebP compression"):
        servable_picture(content.replace(uncompressed, webp))

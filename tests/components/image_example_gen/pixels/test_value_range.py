"""Values of more than 8 bits and floats: the pixels that are trained on, and those that serve."""

import io

import numpy as np
import pytest
from PIL import Image
from tiny_pictures import encode, png_of
from tiny_tiff import CMYK, RGB, WHITE_IS_ZERO, tiff_of

from components.image_example_gen.picture_reader import (
    UnusablePictureError,
    read_picture,
    servable_picture,
)

pytestmark = pytest.mark.component

#: Levels from 0 to 1.
GREY = np.linspace(0, 1, 48)[None].repeat(32, axis=0)
COLOURS = np.stack([GREY, GREY[:, ::-1], GREY / 2], axis=2)
EXPECTED_GREY = np.stack([GREY * 255] * 3, axis=2)
EXPECTED_COLOURS = COLOURS * 255

TOPS = {255: 8, 1023: 10, 4095: 12, 16383: 14, 65535: 16}
tops = pytest.mark.parametrize("top", TOPS)


def shown(content: bytes) -> np.ndarray:
    """Pixels that are trained on, which must be those that serving gets."""
    picture = read_picture(content)
    assert servable_picture(content)[0] == picture.encoded
    return np.asarray(Image.open(io.BytesIO(picture.encoded)).convert("RGB")).astype(float)


def levels(values: np.ndarray, top: int, kind: str) -> np.ndarray:
    return (values * top).round().astype(kind)


def png_16_bit(values: np.ndarray, colour_type: int) -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in values.astype(">u2"))
    return png_of(values.shape[1], values.shape[0], 16, colour_type, rows)


@tops
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_has_the_range_of_the_smallest_depth_that_holds_it(top, form):
    content = encode(Image.fromarray(levels(GREY, top, "u2")), form)
    np.testing.assert_allclose(shown(content), EXPECTED_GREY, atol=1.5)
    assert read_picture(content).value_range == f"0 to {top}"


@tops
@pytest.mark.parametrize("kind", ["<u4", "<i4", "<f4", ">f4", ">u2", "<i2"])
def test_other_numbers_of_grey_have_it_too(top, kind):
    if kind == "<i2" and top == 65535:
        pytest.skip("16 bits with a sign hold no such value")
    content = tiff_of(levels(GREY, top, kind))
    np.testing.assert_allclose(shown(content), EXPECTED_GREY, atol=1.5)
    assert read_picture(content).value_range == f"0 to {top}"


@tops
def test_16_bit_colours_have_it_too(top):
    files = {
        "png": png_16_bit(levels(COLOURS, top, "u2"), 2),
        "tiff": tiff_of(levels(COLOURS, top, "<u2"), RGB),
        "big-endian tiff": tiff_of(levels(COLOURS, top, ">u2"), RGB),
        "compressed tiff": tiff_of(levels(COLOURS, top, "<u2"), RGB, deflate=True),
    }
    for name, content in files.items():
        np.testing.assert_allclose(shown(content), EXPECTED_COLOURS, atol=1.5, err_msg=name)
        assert read_picture(content).value_range == f"0 to {top}", name


@tops
@pytest.mark.parametrize("opaque", ["full", "same"])
def test_opaque_pictures_are_not_made_transparent(top, opaque):
    alpha = np.full((*GREY.shape, 1), 65535 if opaque == "full" else top)
    colours = np.concatenate([levels(COLOURS, top, "u2"), alpha], axis=2)
    grey = np.concatenate([levels(GREY, top, "u2")[..., None], alpha], axis=2)
    np.testing.assert_allclose(shown(png_16_bit(colours, 6)), EXPECTED_COLOURS, atol=1.5)
    np.testing.assert_allclose(shown(png_16_bit(grey, 4)), EXPECTED_GREY, atol=1.5)
    stored = tiff_of(colours.astype("<u2"), RGB, alpha=2)
    np.testing.assert_allclose(shown(stored), EXPECTED_COLOURS, atol=1.5)


def test_16_bit_transparency_shows_white():
    alpha = np.zeros((*GREY.shape, 1))
    content = png_16_bit(np.concatenate([levels(COLOURS, 4095, "u2"), alpha], axis=2), 6)
    assert (shown(content) == 255).all()


@tops
def test_cmyk_of_16_bits_has_it_too(top):
    inks = np.concatenate([COLOURS, np.zeros((*GREY.shape, 1))], axis=2)
    content = tiff_of(levels(inks, top, "<u2"), CMYK)
    np.testing.assert_allclose(shown(content), 255 - EXPECTED_COLOURS, atol=3)


@pytest.mark.parametrize("kind", ["<u2", "<f4"])
def test_grey_whose_zero_is_white_is_inverted(kind):
    content = tiff_of(levels(GREY, 4095, kind), WHITE_IS_ZERO)
    np.testing.assert_allclose(shown(content), 255 - EXPECTED_GREY, atol=1.5)


def test_8_bit_grey_whose_zero_is_white_is_inverted_once():
    content = tiff_of(levels(GREY, 255, "u1"), WHITE_IS_ZERO)
    np.testing.assert_allclose(shown(content), 255 - EXPECTED_GREY, atol=1.5)
    assert read_picture(content).value_range == ""


def test_one_hot_pixel_decides_the_range_of_its_picture():
    values = levels(GREY, 4095, "u2")
    values[3, 4] = 65535
    content = encode(Image.fromarray(values))
    dark = np.delete(shown(content).reshape(-1, 3), 3 * 48 + 4, axis=0)
    np.testing.assert_allclose(dark.max(), 255 / 16, atol=1)
    assert read_picture(content).value_range == "0 to 65535"


def test_floats_up_to_1_have_the_range_0_to_1():
    content = tiff_of(GREY.astype("<f4"))
    np.testing.assert_allclose(shown(content), EXPECTED_GREY, atol=1.5)
    assert read_picture(content).value_range == "0 to 1"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((GREY * 4071 - 1000).astype("<f4"), id="Hounsfield units"),
        pytest.param((GREY * 4071 - 1000).astype("<i2"), id="Hounsfield units, 16 bits"),
        pytest.param((GREY * 3e6).astype("<i4"), id="counts"),
        pytest.param((GREY * 4294967295).astype("<u4"), id="32 bits without a sign"),
        pytest.param((GREY * 2e-3 - 1e-3).astype("<f4"), id="small floats below 0"),
    ],
)
def test_other_values_have_the_range_of_the_picture(values):
    content = tiff_of(values)
    np.testing.assert_allclose(shown(content), EXPECTED_GREY, atol=1.5)
    assert read_picture(content).value_range == "its minimum to its maximum"


@pytest.mark.parametrize("top", [255, 4095, 16383])
@pytest.mark.parametrize("kind", ["<i2", ">i2", "<i4", ">i4", "<f4", ">f4", ">u2"])
def test_compressed_numbers_of_grey_have_the_range_of_plain_ones(top, kind):
    content = tiff_of(levels(GREY, top, kind), deflate=True)
    np.testing.assert_allclose(shown(content), EXPECTED_GREY, atol=1.5)
    assert read_picture(content).value_range == f"0 to {top}"


@pytest.mark.parametrize("deflate", [False, True])
def test_8_bits_with_a_sign_have_their_own_range_or_are_taken_as_they_are(deflate):
    negative = tiff_of((GREY * 250 - 125).round().astype("i1"), deflate=deflate)
    np.testing.assert_allclose(shown(negative), EXPECTED_GREY, atol=1.5)
    assert read_picture(negative).value_range == "its minimum to its maximum"
    positive = tiff_of((GREY * 127).round().astype("i1"), deflate=deflate)
    np.testing.assert_allclose(shown(positive), EXPECTED_GREY * 127 / 255, atol=1.5)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(
    "bits",
    [
        pytest.param(0x7FC00000, id="nan"),
        pytest.param(0x7F800001, id="signalling nan"),
        pytest.param(0x7F800000, id="inf"),
        pytest.param(0xFF800000, id="-inf"),
    ],
)
def test_values_that_are_not_finite_are_refused_without_a_warning(bits, deflate):
    values = GREY.astype("<f4")
    values.view("<u4")[3, 4] = bits
    with pytest.raises(UnusablePictureError, match="damaged: some values are not finite numbers"):
        read_picture(tiff_of(values, deflate=deflate))


@pytest.mark.parametrize("top", [255, 1023, 65535])
def test_the_header_of_a_pgm_file_says_its_range(top):
    kind = "u1" if top == 255 else ">u2"
    dark = levels(GREY / 8, top, kind)
    content = f"P5 48 32 {top}\n".encode() + dark.tobytes()
    np.testing.assert_allclose(shown(content), EXPECTED_GREY / 8, atol=1.5)


@pytest.mark.parametrize("pages", [2, 3])
def test_of_several_pages_the_first_is_read_and_the_others_are_noted(pages):
    first, *others = (Image.fromarray(levels(GREY / n, 4095, "u2")) for n in range(1, pages + 1))
    content = encode(first, "TIFF", save_all=True, append_images=others)
    np.testing.assert_allclose(shown(content), EXPECTED_GREY, atol=1.5)
    assert read_picture(content).more_pages
    assert not read_picture(encode(first, "TIFF")).more_pages


def test_a_black_picture_has_no_range():
    picture = read_picture(encode(Image.fromarray(np.zeros((8, 8), np.uint16))))
    assert picture.value_range == ""


def test_8_bit_files_have_no_range():
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        image = Image.fromarray(levels(COLOURS, 255, "u1")).convert(mode)
        assert read_picture(encode(image)).value_range == "", mode

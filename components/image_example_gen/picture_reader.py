"""Reads a file as a picture that TensorFlow decodes as Pillow does, or tells why it cannot."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from components.image_example_gen.pixels.decoding_limits import (
    CostlyPictureError,
    check_cost,
    has_costly_texts,
)
from components.image_example_gen.pixels.file_damage import check_gif, check_png, check_zeros
from components.image_example_gen.pixels.format_support import describe_unknown, find_unsupported
from components.image_example_gen.pixels.jpeg_damage import check_jpeg, check_tail
from components.image_example_gen.pixels.value_range import needs_scaling, scale_to_8_bit
from components.image_example_gen.tensorflow_decoder import decode_image

#: Formats that are read. Pillow knows more, such as PostScript, whose programs it would run. MPO, a
#: JPEG file with several pictures that phones write, is read as JPEG.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")

#: Most pixels of a picture. This is checked before decoding: a small file can claim a huge picture.
MAX_PIXELS = 100_000_000

#: Largest ratio of the sides. Resized to a square, a narrower picture would show nothing.
MAX_ASPECT = 20

#: Colour behind transparent pixels: most drawings are meant for a white background.
BACKGROUND = "white"

#: Pairs of format and colour mode that TensorFlow decodes as Pillow does: both use the same C code.
#: These files are kept as they are; all others are converted to PNG.
KEPT_FORMATS = {(form, mode) for form in ("JPEG", "MPO", "PNG") for mode in ("RGB", "L")}

JPEG_FORMATS = ("JPEG", "MPO")

#: Formats whose further pictures are pages or frames. In MPO they are previews and depths.
FORMATS_WITH_PAGES = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")

#: Side of the thumbnail in pixels. Pictures are measured at one size, so that the numbers can be
#: compared across resolutions.
THUMBNAIL = 64

EXIF_ORIENTATION = 0x0112

#: EXIF orientation -> operation that makes the picture upright. With any other value it is upright.
TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: A PNG without these bytes has no orientation. Pillow would decode the whole file to find out.
PNG_ORIENTATION_MARKS = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")


class UnusablePictureError(ValueError):
    """A file that is no usable picture; the message is the reason that users read.

    The text before the first colon is the same for all files with the same kind of problem.
    """


@dataclass(frozen=True)
class Picture:
    """A usable picture.

    Attributes:
        encoded: JPEG or PNG, 8 bit, grey or RGB; the file itself if TensorFlow decodes it as Pillow
            does.
        width: Width of the upright picture in pixels.
        height: Height of the upright picture in pixels.
        channels: Number of channels in the original file.
        thumbnail: Box-averaged RGB picture, uint8 [THUMBNAIL, THUMBNAIL, 3].
        rewritten: Whether `encoded` is a new PNG.
        colour_profile: Whether the file has an ICC profile, which is ignored.
        more_pages: Whether the file has further pages or frames, which are ignored.
        value_range: Range that was scaled to 8 bits, see `pixels.value_range`; "" if there was
            nothing to scale.
    """

    encoded: bytes
    width: int
    height: int
    channels: int
    thumbnail: npt.NDArray[np.uint8]
    rewritten: bool
    colour_profile: bool
    more_pages: bool
    value_range: str


def read_picture(content: bytes) -> Picture:
    """Decode a file completely, and convert it if TensorFlow would decode it differently.

    Args:
        content: Bytes of a file in any of `FORMATS`.

    Raises:
        UnusablePictureError: The file is empty, damaged, no picture, too large or too narrow.
    """
    with _opened(content) as image:
        return _kept(image, content) or _rewritten(image, content)


def servable_picture(
    content: bytes, rewrite: bool = False, max_pixels: int | None = None
) -> tuple[bytes, int]:
    """Return what the serving model gets for a file: as `read_picture`, but from its header.

    Damage that only a decoder finds is not noticed in a picture with a plain header. It is returned
    as it is, and where the model fails on it, the caller can find it with `rewrite`.

    Args:
        content: Bytes of a file in any of `FORMATS`.
        rewrite: Whether to decode the whole file and convert it to PNG, whatever its header says.
            Pillow alone does that: TensorFlow, called outside a graph, leaks the memory of every
            damaged picture.
        max_pixels: Most pixels of a picture; None for `MAX_PIXELS`.

    Returns:
        JPEG or PNG, and the number of pixels.

    Raises:
        UnusablePictureError: The file is empty, no picture, too large, too narrow or damaged.
    """
    with _opened(content, max_pixels) as image:
        if not rewrite and _is_plain(image, content):
            return content, _checked_pixels(image, content)
        picture = _rewritten(image, content)
        return picture.encoded, picture.width * picture.height


def plain_pixels(content: bytes, max_pixels: int | None = None) -> int | None:
    """Return the number of pixels of a file that `servable_picture` returns as it is.

    Args:
        content: Bytes of a file in any of `FORMATS`.
        max_pixels: Most pixels of a picture; None for `MAX_PIXELS`.

    Returns:
        Number of pixels; None if `servable_picture` would convert the file.

    Raises:
        UnusablePictureError: As `servable_picture`.
    """
    with _opened(content, max_pixels) as image:
        return _checked_pixels(image, content) if _is_plain(image, content) else None


@contextlib.contextmanager
def _opened(content: bytes, max_pixels: int | None = None) -> Iterator[Image.Image]:
    """Open a picture and check its size and kind; an error in the block becomes the reason."""
    if not content:
        raise UnusablePictureError("empty file")
    try:
        check_cost(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        if reason := find_unsupported(image):
            raise UnusablePictureError(reason)
        _check_size(image, MAX_PIXELS if max_pixels is None else max_pixels)
        check_zeros(content, image.format or "", image.width * image.height)
        yield image
    except UnusablePictureError:
        raise
    except UnidentifiedImageError:
        raise UnusablePictureError(describe_unknown(content)) from None
    except Image.DecompressionBombError as error:
        raise UnusablePictureError(f"too many pixels: {error}") from None
    except CostlyPictureError as error:
        raise UnusablePictureError(str(error)) from None
    except MemoryError:
        raise UnusablePictureError("too large: it cannot be decoded in the free memory") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise any error
        raise UnusablePictureError(f"damaged: {error}") from None


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise UnusablePictureError(
            f"too many pixels: {width}x{height}, the limit is {max_pixels:,}"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnusablePictureError(
            f"too narrow: {width}x{height}, the longer side may be {MAX_ASPECT} times the shorter"
        )


def _kept(image: Image.Image, content: bytes) -> Picture | None:
    """Return the file as it is if its header is plain and TensorFlow can decode it."""
    if not _is_plain(image, content):
        return None
    scan_end = check_jpeg(content) if image.format in JPEG_FORMATS else 0
    pixels = decode_image(content)
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        return None
    if scan_end:
        check_tail(content, scan_end, pixels)
    return _picture(content, Image.fromarray(pixels), image, value_range="", rewritten=False)


def _checked_pixels(image: Image.Image, content: bytes) -> int:
    """Check the markers of a picture that is not decoded, and return its number of pixels."""
    if image.format in JPEG_FORMATS:
        check_jpeg(content)
    return image.width * image.height


def _is_plain(image: Image.Image, content: bytes) -> bool:
    """Return whether TensorFlow decodes a file with this header as Pillow does."""
    plain = (image.format, image.mode) in KEPT_FORMATS and "transparency" not in image.info
    if image.format == "PNG" and has_costly_texts(content):
        return False
    return plain and not needs_scaling(image) and _transpose(image, content) is None


def _rewritten(image: Image.Image, content: bytes) -> Picture:
    """Convert to a PNG, upright and without alpha."""
    scan_end = check_jpeg(content) if image.format in JPEG_FORMATS else 0
    if image.format == "PNG":
        check_png(content)
    if image.format == "GIF":
        check_gif(content)
    if needs_scaling(image):
        scaled, value_range = scale_to_8_bit(image, content)
    else:
        image.load()
        scaled, value_range = image, ""
    if scan_end:
        check_tail(content, scan_end, image)
    transpose = _transpose(image, content)
    rgb = _to_rgb(scaled)
    if transpose is not None:
        rgb = rgb.transpose(transpose)
    encoded = io.BytesIO()
    rgb.save(encoded, format="PNG", compress_level=1)
    return _picture(encoded.getvalue(), rgb, image, value_range, rewritten=True)


def _picture(
    encoded: bytes, rgb: Image.Image, original: Image.Image, value_range: str, rewritten: bool
) -> Picture:
    return Picture(
        encoded=encoded,
        width=rgb.width,
        height=rgb.height,
        channels=len(original.getbands()),
        thumbnail=np.asarray(rgb.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)),
        rewritten=rewritten,
        colour_profile="icc_profile" in original.info,
        more_pages=_has_more_pages(original),
        value_range=value_range,
    )


def _transpose(image: Image.Image, content: bytes) -> Image.Transpose | None:
    """Return the operation that makes a picture upright, or None if it is upright."""
    if image.format == "PNG" and not any(mark in content for mark in PNG_ORIENTATION_MARKS):
        return None
    return TRANSPOSES.get(image.getexif().get(EXIF_ORIENTATION, 1))


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert to 8 bit RGB; transparent pixels get the colour `BACKGROUND`."""
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        background = Image.new("RGBA", layer.size, BACKGROUND)
        return Image.alpha_composite(background, layer).convert("RGB")
    return image.convert("RGB")


def _has_more_pages(image: Image.Image) -> bool:
    """Return whether a file has further pages or frames; False if they are damaged."""
    try:
        return image.format in FORMATS_WITH_PAGES and getattr(image, "is_animated", False)
    except Exception:  # damaged pages make Pillow raise any error, but the first one is there
        return False

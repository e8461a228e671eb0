"""One file of bytes -> one picture that TensorFlow reads as Pillow does, or the reason why not."""

import codecs
import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from components.image_example_gen.tensorflow_decoder import decode

#: What is read. Pillow knows more; PostScript among it, which it would run. MPO, a JPEG of several
#: pictures that phones write, comes with JPEG.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")

#: Largest picture that is decoded, checked before decoding: a small file can claim a huge one.
MAX_PIXELS = 100_000_000

#: Largest ratio of the sides: a square would show nothing of a picture that is more of a line.
MAX_ASPECT = 20

#: Transparent pictures are flattened on white, the background of most drawings.
BACKGROUND = "white"

#: Format and colour mode pairs that TensorFlow reads as Pillow does: the same C libraries decode
#: them. Their bytes are passed on untouched; everything else is written anew.
PASSED_ON = {(form, mode) for form in ("JPEG", "MPO", "PNG") for mode in ("RGB", "L")}

#: Side of the thumbnail, in pixels. Pictures are measured at one size, so that the numbers compare
#: across resolutions.
THUMBNAIL = 64

EXIF_ORIENTATION = 0x0112

#: EXIF orientation -> what sets a picture upright; every other value means that it is.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: What a PNG holds when it may say how to turn it. Pillow decodes all of a PNG to find out.
PNG_TURNED = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")

#: Brands of the container that HEIC and its kin share (ISO/IEC 23008-12).
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


class UnusablePictureError(ValueError):
    """A file that cannot be trained on; the message is the reason users read.

    What stands before the first colon is the same for all files with the same trouble.
    """


@dataclass(frozen=True)
class Picture:
    """A usable picture.

    Attributes:
        encoded: JPEG or PNG, 8 bit, grey or RGB; the file itself where TensorFlow reads it well.
        width: in pixels, upright.
        height: in pixels, upright.
        channels: of the original file.
        thumbnail: uint8 [THUMBNAIL, THUMBNAIL, 3], RGB, box-averaged.
        rewritten: whether `encoded` is a new PNG.
        colour_profile: whether an ICC profile came with the file; it is ignored.
    """

    encoded: bytes
    width: int
    height: int
    channels: int
    thumbnail: np.ndarray
    rewritten: bool
    colour_profile: bool


def read_picture(content: bytes) -> Picture:
    """Decode a file completely and normalise what TensorFlow would read differently.

    Args:
        content: the bytes of a file in any of `FORMATS`.

    Raises:
        UnusablePictureError: the file is empty, is no picture, is damaged, too large or too narrow.
    """
    with _usable(content) as image:
        return _passed_on(image, content) or _rewritten(image, content)


def servable_picture(content: bytes, doubted: bool = False) -> tuple[bytes, int]:
    """What a model is given for a file: as `read_picture`, but only the header is looked at.

    A damaged picture whose header promises that TensorFlow reads it is passed on; whoever calls
    the model finds out, and then has doubts.

    Args:
        content: the bytes of a file in any of `FORMATS`.
        doubted: decode all of it and write it anew, whatever the header promises. Pillow does that
            alone: TensorFlow, called outside a graph, loses the memory of every damaged picture.

    Returns:
        JPEG or PNG, and how many pixels it has.

    Raises:
        UnusablePictureError: the file is empty, is no picture, too large or too narrow, or had to
            be decoded and is damaged.
    """
    with _usable(content) as image:
        if not doubted and _is_plain(image, content):
            return content, image.width * image.height
        picture = _rewritten(image, content)
        return picture.encoded, picture.width * picture.height


@contextlib.contextmanager
def _usable(content: bytes) -> Iterator[Image.Image]:
    """An opened picture of a size that may be decoded; what goes wrong with it is the reason."""
    if not content:
        raise UnusablePictureError("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        _check_size(image)
        yield image
    except UnusablePictureError:
        raise
    except UnidentifiedImageError:
        raise UnusablePictureError(_unknown(content)) from None
    except Image.DecompressionBombError as error:
        raise UnusablePictureError(f"too many pixels: {error}") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise all sorts
        raise UnusablePictureError(f"damaged: {error}") from None


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnusablePictureError(
            f"too many pixels: {width}x{height}, the limit is {MAX_PIXELS:,}"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnusablePictureError(
            f"too narrow: {width}x{height}, the longer side may be {MAX_ASPECT} times the shorter"
        )


def _passed_on(image: Image.Image, content: bytes) -> Picture | None:
    """The file as it is, where its header says that TensorFlow reads it well, and it does."""
    if not _is_plain(image, content):
        return None
    pixels = decode(content)
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        return None
    return _picture(content, Image.fromarray(pixels), image, rewritten=False)


def _is_plain(image: Image.Image, content: bytes) -> bool:
    """Whether the header says that TensorFlow reads the file as Pillow does."""
    plain = (image.format, image.mode) in PASSED_ON and "transparency" not in image.info
    return plain and _turn(image, content) is None


def _rewritten(image: Image.Image, content: bytes) -> Picture:
    """A PNG of what Pillow reads, upright and without alpha."""
    image.load()
    turn = _turn(image, content)
    rgb = _flattened(image)
    if turn is not None:
        rgb = rgb.transpose(turn)
    encoded = io.BytesIO()
    rgb.save(encoded, format="PNG", compress_level=1)
    return _picture(encoded.getvalue(), rgb, image, rewritten=True)


def _picture(encoded: bytes, rgb: Image.Image, original: Image.Image, rewritten: bool) -> Picture:
    return Picture(
        encoded=encoded,
        width=rgb.width,
        height=rgb.height,
        channels=len(original.getbands()),
        thumbnail=np.asarray(rgb.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)),
        rewritten=rewritten,
        colour_profile="icc_profile" in original.info,
    )


def _turn(image: Image.Image, content: bytes) -> Image.Transpose | None:
    if image.format == "PNG" and not any(mark in content for mark in PNG_TURNED):
        return None
    return TURNS.get(image.getexif().get(EXIF_ORIENTATION, 1))


def _flattened(image: Image.Image) -> Image.Image:
    """Alpha on the background, deep pixels scaled to 8 bit, everything else to RGB."""
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bit(image).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, BACKGROUND)
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, or floats from 0 to 1, 255 or 65535, to 8 bits."""
    values = np.asarray(image).astype(np.float64)
    low, high = values.min(), values.max()
    if low < 0 or high > 65535 or not np.isfinite(values).all():
        raise UnusablePictureError(f"unknown range of values: {low:g} to {high:g}")
    if image.mode == "F" and high <= 1:
        scale = 255.0
    elif image.mode in ("F", "I") and high <= 255:
        scale = 1.0
    else:
        scale = 1 / 256
    grey = (values * scale).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255  # BACKGROUND
    return Image.fromarray(grey)


def _unknown(content: bytes) -> str:
    """What a file is that is no picture we read, as far as its first bytes tell."""
    start = content[:4096].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start:
        return "SVG drawing: save it as PNG"
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "HEIC picture: save it as JPEG or PNG"
    return "not a picture in a known format"

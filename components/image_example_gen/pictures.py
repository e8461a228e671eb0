"""One file of bytes -> one picture that TensorFlow reads as Pillow does, or the reason why not."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from components.image_example_gen.agreement import reads_alike

#: What is read. Pillow knows more; PostScript among it, which it would run.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")

#: Largest picture that is decoded, checked before decoding: a small file can claim a huge one.
MAX_PIXELS = 100_000_000

#: Transparent pictures are flattened on white, the background of most drawings.
BACKGROUND = "white"

#: Format and colour mode pairs whose bytes are passed on untouched.
PASSED_ON = {("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "L")}

EXIF_ORIENTATION = 0x0112


class UnusablePictureError(ValueError):
    """A file that cannot be trained on; the message is the reason users read."""


@dataclass(frozen=True)
class Picture:
    """A usable picture.

    Attributes:
        encoded: JPEG or PNG bytes, 8 bit, grey or RGB.
        image: the decoded picture, mode RGB, upright.
        channels: of the original file.
    """

    encoded: bytes
    image: Image.Image
    channels: int


def read_picture(content: bytes) -> Picture:
    """Decode a file completely and normalise what TensorFlow would read differently.

    Args:
        content: the bytes of a file in any format that Pillow reads.

    Raises:
        UnusablePictureError: the file is empty, is no picture, is damaged or too large.
    """
    if not content:
        raise UnusablePictureError("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise UnusablePictureError(
                f"too many pixels: {image.width}x{image.height}, the limit is {MAX_PIXELS:,}"
            )
        image.load()
        return _normalised(image, content)
    except UnusablePictureError:
        raise
    except UnidentifiedImageError:
        raise UnusablePictureError("not a picture in a known format") from None
    except Image.DecompressionBombError as error:
        raise UnusablePictureError(f"too many pixels: {error}") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise all sorts
        raise UnusablePictureError(f"damaged: {error}") from None


def _normalised(image: Image.Image, content: bytes) -> Picture:
    channels = len(image.getbands())
    upright = image.getexif().get(EXIF_ORIENTATION, 1) == 1
    plain = (image.format, image.mode) in PASSED_ON and "transparency" not in image.info
    rgb = _flattened(image if upright else ImageOps.exif_transpose(image))
    if plain and upright and reads_alike(content, rgb):
        return Picture(content, rgb, channels)
    encoded = io.BytesIO()
    rgb.save(encoded, format="PNG", compress_level=1)
    return Picture(encoded.getvalue(), rgb, channels)


def _flattened(image: Image.Image) -> Image.Image:
    """Alpha on the background, 16 bit scaled to 8, everything else to RGB."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, BACKGROUND)
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")

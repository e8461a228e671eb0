"""Scales grey levels and colours of more than 8 bits, and floats, to 8 bits.

A file does not say which range its values have: 12-bit cameras write 16-bit files. The rule is
applied to each picture on its own, so that training, `carryover predict` and serving, which sees
single pictures, get the same pixels. Its range is the smallest of `DEPTHS` that holds its largest
value. Values below 0 or above 65535 are scaled from the picture's minimum to its maximum.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ImageFile import ImageFile

#: Usual bit depths of cameras and scanners.
DEPTHS = (8, 10, 12, 14, 16)

#: Range of floats up to 1, and of pictures with other values than those of `DEPTHS`.
UNIT_RANGE = "0 to 1"
OWN_RANGE = "its minimum to its maximum"

#: Byte order in the name of a raw mode of Pillow -> order that reads the other byte of 16 bits. "N"
#: is the order of the machine; all that TensorFlow runs on are little-endian.
OTHER_ORDER = {"L": "B", "B": "L", "N": "B"}

#: Big-endian raw mode of signed numbers and floats -> raw mode in the order of the machine.
NATIVE_ORDER = {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F"}

#: Raw mode of PNG files with 16-bit grey and alpha. Read as RGBA, its bands are the four bytes.
GREY_ALPHA = "LA;16B"

#: Rows of a picture that are scaled at a time.
STRIP_ROWS = 64

FORMATS_OF_16_BIT_COLOURS = ("PNG", "TIFF")

#: Numbers of TIFF tags, and their values in files whose white is 0, and with integers.
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
SAMPLE_FORMAT, UNSIGNED, SIGNED = 339, 1, 2


def needs_scaling(image: Image.Image) -> bool:
    """Return whether a picture that is not loaded yet has other values than 0 to 255."""
    return _is_grey(image) or ";16" in _raw_mode(image)


def scale_to_8_bit(image: Image.Image, content: bytes) -> tuple[Image.Image, str]:
    """Scale a picture for which `needs_scaling` is true, and load it.

    Args:
        image: Picture that is not loaded yet.
        content: Bytes of its file.

    Returns:
        Picture of 8 bits per channel, and the range that was scaled; "" if all values are 0.

    Raises:
        ValueError: Not all values are finite numbers.
    """
    if _is_grey(image):
        return _scale_grey(image)
    raw_mode = _raw_mode(image)
    image.load()
    low, low_bands = _low_bytes(content, raw_mode)
    num_bands = len(image.getbands())
    colours = num_bands - (image.mode == "RGBA")
    largest: npt.NDArray[np.uint16] = np.zeros(num_bands, np.uint16)
    for _, values in _strips(image, low, low_bands):
        largest = np.maximum(largest, values.max(axis=(0, 1)))
    # Opaque is 255 in a file with 8-bit values, so that alpha has a depth of its own.
    depth = _smallest_depth(int(largest[:colours].max()))
    shifts: npt.NDArray[np.uint16] = np.full(num_bands, depth - 8, np.uint16)
    if colours < num_bands:
        shifts[colours] = _smallest_depth(int(largest[colours])) - 8
    scaled = Image.new(image.mode, image.size)
    for top, values in _strips(image, low, low_bands):
        bands = (values >> shifts).astype(np.uint8)
        layers = [Image.fromarray(bands[..., band]) for band in range(num_bands)]
        scaled.paste(Image.merge(image.mode, layers), (0, top))
    return scaled, _range(depth) if largest[:colours].any() else ""


def _strips(
    high: Image.Image, low: Image.Image, low_bands: list[int]
) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
    """Return the top row and the values of strips of a picture, [rows, width, bands].

    All values at once would take five times the memory.

    Args:
        high: Picture of the high bytes.
        low: Picture with the low bytes.
        low_bands: Bands of `low` with the low bytes, in the order of the bands of `high`.
    """
    for top in range(0, high.height, STRIP_ROWS):
        box = (0, top, high.width, min(top + STRIP_ROWS, high.height))
        low_bytes = np.atleast_3d(np.asarray(low.crop(box)))[..., low_bands]
        high_bytes = np.atleast_3d(np.asarray(high.crop(box)))
        yield top, high_bytes.astype(np.uint16) << 8 | low_bytes


def _scale_grey(image: Image.Image) -> tuple[Image.Image, str]:
    _set_native_order(image)
    stored = np.asarray(image)
    if image.mode == "L":
        stored = stored.view(np.int8)  # Pillow reads them as numbers without a sign
    elif image.mode == "I" and _tag(image, SAMPLE_FORMAT) == (UNSIGNED,):
        stored = stored.view(np.uint32)  # Pillow reads 32 bits as signed numbers
    if not np.isfinite(stored).all():  # NumPy would warn when it converts or compares them
        raise ValueError("some values are not finite numbers")
    values = stored.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65535:
        name, scaled = OWN_RANGE, (values - low) * (255 / max(high - low, 1e-300))
    elif image.mode == "F" and high <= 1:
        name, scaled = UNIT_RANGE, values * 255
    else:
        # The header of a PPM file names its largest value, and Pillow has scaled it to 65535.
        depth = 16 if image.format == "PPM" and image.mode != "F" else _smallest_depth(high)
        name, scaled = _range(depth), values / 2 ** (depth - 8)
    grey = scaled.astype(np.uint8)
    if _is_inverted(image):
        grey = 255 - grey
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255  # white, as behind other pictures
    return Image.fromarray(grey), name if low or high else ""


def _set_native_order(image: Image.Image) -> None:
    """Read the values of a compressed TIFF file in the order of the machine.

    Libtiff has changed their order already, but Pillow changes it once more.
    """
    native = NATIVE_ORDER.get(_raw_mode(image))
    if native and isinstance(image, ImageFile) and image.tile[0][0] == "libtiff":
        image.tile = [tile._replace(args=_with_raw_mode(tile.args, native)) for tile in image.tile]


def _low_bytes(content: bytes, raw_mode: str) -> tuple[Image.Image, list[int]]:
    """Return a picture with the low bytes of 16-bit values, and the bands that hold them.

    Pillow itself reads the high bytes.
    """
    image = Image.open(io.BytesIO(content), formats=FORMATS_OF_16_BIT_COLOURS)
    grey_alpha = raw_mode == GREY_ALPHA
    other = "RGBA" if grey_alpha else raw_mode[:-1] + OTHER_ORDER[raw_mode[-1]]
    image.tile = [tile._replace(args=_with_raw_mode(tile.args, other)) for tile in image.tile]
    image.load()
    return image, [1, 1, 1, 3] if grey_alpha else list(range(len(image.getbands())))


def _with_raw_mode(args: tuple[Any, ...] | str | None, raw_mode: str) -> tuple[Any, ...] | str:
    return (raw_mode, *args[1:]) if isinstance(args, tuple) else raw_mode


def _raw_mode(image: Image.Image) -> str:
    """Return how Pillow reads the bytes of a file, such as `RGB;16B`; "" if it is unknown."""
    tiles = getattr(image, "tile", None)
    if not tiles:
        return ""
    args = tiles[0][3]
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _is_grey(image: Image.Image) -> bool:
    is_signed = image.mode == "L" and _tag(image, SAMPLE_FORMAT) == (SIGNED,)
    return is_signed or image.mode.startswith("I") or image.mode == "F"


def _is_inverted(image: Image.Image) -> bool:
    """Return whether white is 0 in the file. Pillow inverts only 8-bit pictures of this kind."""
    return _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO


def _tag(image: Image.Image, number: int) -> object:
    """Return a tag of a TIFF file; None if there is none."""
    return getattr(image, "tag_v2", {}).get(number) if image.format == "TIFF" else None


def _smallest_depth(largest: float) -> int:
    return next(depth for depth in DEPTHS if largest < 2**depth)


def _range(depth: int) -> str:
    return f"0 to {2**depth - 1}"

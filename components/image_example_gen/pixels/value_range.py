"""Scales grey levels and colours of more than 8 bits, and floats, to 8 bits.

A file does not say which range its values have: 12-bit cameras write 16-bit files. The rule is
applied to each picture on its own, so that training, `carryover predict` and serving, which sees
single pictures, get the same pixels. Its range is the smallest of `DEPTHS` that holds its largest
value. Values below 0 or above 65535 are scaled from the picture's minimum to its maximum.
"""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

#: Usual bit depths of cameras and scanners.
DEPTHS = (8, 10, 12, 14, 16)

#: Range of floats up to 1, and of pictures with other values than those of `DEPTHS`.
UNIT_RANGE = "0 to 1"
OWN_RANGE = "its minimum to its maximum"

#: Byte order in the name of a raw mode of Pillow -> order that reads the other byte of 16 bits. "N"
#: is the order of the machine; all that TensorFlow runs on are little-endian.
OTHER_ORDER = {"L": "B", "B": "L", "N": "B"}

#: Raw mode of PNG files with 16-bit grey and alpha. Read as RGBA, its bands are the four bytes.
GREY_ALPHA = "LA;16B"

FORMATS_OF_16_BIT_COLOURS = ("PNG", "TIFF")

#: Numbers of TIFF tags, and their values in files whose white is 0, and with unsigned integers.
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0
SAMPLE_FORMAT, UNSIGNED = 339, 1


def has_more_than_8_bits(image: Image.Image) -> bool:
    """Return whether a picture that is not loaded yet has more than 8 bits per channel."""
    return _is_grey(image) or ";16" in _raw_mode(image)


def scale_to_8_bit(image: Image.Image, content: bytes) -> tuple[Image.Image, str]:
    """Scale a picture for which `has_more_than_8_bits` is true, and load it.

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
    high = np.atleast_3d(np.asarray(image))
    low = _low_bytes(content, raw_mode)
    values = high.astype(np.uint16) << 8 | np.atleast_3d(low)
    colours = values.shape[2] - (image.mode == "RGBA")
    depth = _smallest_depth(int(values[..., :colours].max()))
    bands = [values[..., :colours] >> (depth - 8)]
    if colours < values.shape[2]:  # opaque is 255 in a file with 8-bit values
        alpha = values[..., colours:]
        bands.append(alpha >> (_smallest_depth(int(alpha.max())) - 8))
    scaled = np.concatenate(bands, axis=2).astype(np.uint8)
    layers = [Image.fromarray(scaled[..., band]) for band in range(scaled.shape[2])]
    return Image.merge(image.mode, layers), _range(depth) if values[..., :colours].any() else ""


def _scale_grey(image: Image.Image) -> tuple[Image.Image, str]:
    stored = np.asarray(image)
    if image.mode == "I" and _tag(image, SAMPLE_FORMAT) == (UNSIGNED,):
        stored = stored.view(np.uint32)  # Pillow reads 32 bits as signed numbers
    values = stored.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("some values are not finite numbers")
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


def _low_bytes(content: bytes, raw_mode: str) -> npt.NDArray[np.uint8]:
    """Return the low bytes of 16-bit values; Pillow itself reads the high bytes."""
    image = Image.open(io.BytesIO(content), formats=FORMATS_OF_16_BIT_COLOURS)
    grey_alpha = raw_mode == GREY_ALPHA
    other = "RGBA" if grey_alpha else raw_mode[:-1] + OTHER_ORDER[raw_mode[-1]]
    image.tile = [tile._replace(args=_with_raw_mode(tile.args, other)) for tile in image.tile]
    low = np.asarray(image)
    return low[..., [1, 1, 1, 3]] if grey_alpha else low


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
    return image.mode.startswith("I") or image.mode == "F"


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

"""TIFF files by hand, for what Pillow does not write."""

import struct
import zlib

import numpy as np
import numpy.typing as npt

NUMBER_CODES = {"SHORT": (3, "H"), "LONG": (4, "I")}
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5
SAMPLE_FORMATS = {"u": UNSIGNED, "i": SIGNED, "f": FLOAT}


def tiff_of(
    values: npt.NDArray[np.generic],
    photometric: int = BLACK_IS_ZERO,
    deflate: bool = False,
    alpha: int | None = None,
    planes: bool = False,
) -> bytes:
    """Return the bytes of a file with one strip, or one strip for each channel.

    Args:
        values: Pixels, [height, width] or [height, width, channels]; their dtype and byte order
            become those of the file.
        photometric: How values are shown, the tag PhotometricInterpretation.
        deflate: Whether the strip is compressed.
        alpha: Meaning of the last channel, the tag ExtraSamples; None if it is a colour.
        planes: Whether each channel has a plane of its own, the tag PlanarConfiguration.
    """
    order = ">" if values.dtype.str[0] == ">" else "<"
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    layers = np.atleast_3d(values).transpose(2, 0, 1) if planes else [values]
    strips = [layer.tobytes() for layer in layers]
    if deflate:
        strips = [zlib.compress(strip) for strip in strips]
    lengths = [len(strip) for strip in strips]
    pixels = b"".join(strips)
    pixels += b"\0" * (len(pixels) % 2)
    tags = {
        256: ("SHORT", [width]),
        257: ("SHORT", [height]),
        258: ("SHORT", [8 * values.dtype.itemsize] * channels),
        259: ("SHORT", [8 if deflate else 1]),
        262: ("SHORT", [photometric]),
        273: ("LONG", [8 + sum(lengths[:number]) for number in range(len(lengths))]),
        277: ("SHORT", [channels]),
        278: ("LONG", [height]),
        279: ("LONG", lengths),
        284: ("SHORT", [2 if planes else 1]),
        339: ("SHORT", [SAMPLE_FORMATS[values.dtype.kind]] * channels),
    }
    if alpha is not None:
        tags[338] = ("SHORT", [alpha])
    start = 8 + len(pixels)
    after = start + 2 + 12 * len(tags) + 4
    directory, long_values = struct.pack(f"{order}H", len(tags)), b""
    for number, (kind, numbers) in sorted(tags.items()):
        code, letter = NUMBER_CODES[kind]
        packed = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        directory += struct.pack(f"{order}HHI", number, code, len(numbers))
        if len(packed) <= 4:
            directory += packed.ljust(4, b"\0")
        else:
            directory += struct.pack(f"{order}I", after + len(long_values))
            long_values += packed
    mark = b"II*\0" if order == "<" else b"MM\0*"
    header = mark + struct.pack(f"{order}I", start)
    return header + pixels + directory + bytes(4) + long_values

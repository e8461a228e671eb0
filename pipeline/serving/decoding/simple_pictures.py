"""Tells which pictures the server can prepare without a decoder process, at nearly no cost."""

import itertools

from components.image_example_gen.picture_reader import PNG_ORIENTATION_MARKS
from components.image_example_gen.pixels.decoding_limits import (
    JPEG_START,
    PNG_START,
    has_costly_texts,
    png_chunks,
    read_jpeg_scans,
)
from components.image_example_gen.pixels.jpeg_damage import ZEROS

#: Most bytes before the first coded pixels: room for EXIF data with a thumbnail, and two profiles.
MAX_HEADER = 192 * 2**10

#: Most chunks of PNG before the first coded pixels.
MAX_CHUNKS = 24


def is_simple(content: bytes) -> bool:
    """Return whether a header of usual size says all about a JPEG or PNG file.

    It may still need to be decoded, because of its orientation or its colours.

    Args:
        content: Bytes of a file.

    Raises:
        CostlyPictureError: The picture would cost too much to decode.
    """
    if content.startswith(JPEG_START):
        # Zeros may be damage, which only decoding shows.
        return read_jpeg_scans(content).start <= MAX_HEADER and ZEROS not in content
    return content.startswith(PNG_START) and _is_simple_png(content)


def _is_simple_png(content: bytes) -> bool:
    for name, start, _ in itertools.islice(png_chunks(content), MAX_CHUNKS):
        if name == b"IDAT":
            has_orientation = any(mark in content for mark in PNG_ORIENTATION_MARKS)
            return start <= MAX_HEADER and not has_orientation and not has_costly_texts(content)
    return False

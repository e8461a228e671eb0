"""Limits on what a file makes a decoder do, checked without decoding.

Few bytes can cost much time or memory: scans of JPEG that repeat the whole picture, compressed
texts of PNG, values of TIFF and EXIF directories that all point at the same bytes.
"""

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

#: Most scans of a JPEG picture. Progressive files of phones and programs have about 10.
MAX_SCANS = 100

#: Most pixels in all scans of a JPEG picture: 15 scans at 100 megapixels. A decoder goes over the
#: whole picture in every scan, at 1 to 3 seconds per billion pixels.
MAX_SCANNED_PIXELS = 1_500_000_000

#: Most segments of a JPEG picture beside its scans, and chunks of PNG beside those with pixels.
MAX_SEGMENTS = 2_000

#: Most bytes of the EXIF and Photoshop data of a JPEG picture, which Pillow takes apart.
MAX_METADATA = 4 * 2**20

#: Most tags of a TIFF or EXIF directory, and most strips or tiles of a TIFF picture.
MAX_TAGS, MAX_STRIPS = 65_535, 200_000

#: Most bytes that the compressed texts and profiles of a PNG file may become in a picture that is
#: kept as it is.
MAX_TEXTS = 32 * 2**20

#: Most bytes that one compressed byte of PNG becomes, and most bytes of one text in libpng.
DEFLATE_RATIO, MAX_TEXT = 1032, 8_000_000

JPEG_START, PNG_START = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
STRIP_TAGS = (273, 324)
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
EXIF, MPF = b"Exif\0\0", b"MPF\0"

#: Marker of JPEG. In coded data, 0x00 follows every byte 0xFF; restart markers are part of them.
MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
END, SCAN, APP1, APP2, APP13 = 0xD9, 0xDA, 0xE1, 0xE2, 0xED

#: Bytes per value, by the number of a TIFF type.
TIFF_TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8} | {
    13: 4,
    16: 8,
}


class CostlyPictureError(ValueError):
    """A file that would cost too much to decode; the message is the reason that users read."""


class JpegScans(NamedTuple):
    """What the segments of a JPEG picture say.

    Attributes:
        num_pixels: Width times height; 0 if there is no frame.
        num_scans: Number of scans.
        start: Position of the first scan; 0 if there is none.
    """

    num_pixels: int = 0
    num_scans: int = 0
    start: int = 0

    @property
    def scanned_pixels(self) -> int:
        """Pixels in all scans."""
        return self.num_pixels * self.num_scans


def check_cost(content: bytes) -> None:
    """Check that a file in any format costs no more than the limits to open and decode.

    Its number of pixels is not checked.

    Args:
        content: Bytes of a file.

    Raises:
        CostlyPictureError: It would cost too much; the text before the first colon is the kind.
    """
    if content.startswith(JPEG_START):
        read_jpeg_scans(content)
    elif content.startswith(PNG_START):
        num_chunks = sum(name != b"IDAT" for name, _, _ in png_chunks(content))
        if num_chunks > MAX_SEGMENTS:
            raise CostlyPictureError(f"too many chunks: {num_chunks}, the limit is {MAX_SEGMENTS}")
    elif content.startswith(TIFF_STARTS):
        _check_directory(content)


def read_jpeg_scans(content: bytes) -> JpegScans:
    """Read the segments of a JPEG picture up to its end, without its coded data.

    Args:
        content: Bytes of a file that begins with a JPEG picture.

    Raises:
        CostlyPictureError: It would cost too much to decode.
    """
    num_segments = num_photoshop = num_pixels = num_scans = first = 0
    position, exif = len(JPEG_START), b""
    while (match := MARKER.search(content, position)) and match[1][0] != END:
        marker, start = match[1][0], match.end()
        position = start + int.from_bytes(content[start : start + 2], "big")
        segment = content[start + 2 : position]
        if marker == SCAN:
            num_scans += 1
            first = first or match.start()
        else:
            num_segments += 1
        if marker in FRAMES and not num_pixels:
            num_pixels = int.from_bytes(segment[1:3], "big") * int.from_bytes(segment[3:5], "big")
        elif marker == APP1 and segment.startswith(EXIF):
            exif += segment[len(EXIF) :]  # long EXIF data are in several segments
        elif marker == APP2 and segment.startswith(MPF):
            _check_directory(segment[len(MPF) :])
        elif marker == APP13:
            num_photoshop += len(segment)
        _check_jpeg_counts(num_segments, num_scans, num_pixels, len(exif) + num_photoshop)
    if exif:
        _check_directory(exif)
    return JpegScans(num_pixels, num_scans, first)


def _check_jpeg_counts(
    num_segments: int, num_scans: int, num_pixels: int, num_metadata: int
) -> None:
    if num_segments > MAX_SEGMENTS:
        raise CostlyPictureError(f"too many segments: the limit is {MAX_SEGMENTS:,}")
    if num_scans > MAX_SCANS:
        raise CostlyPictureError(f"too many scans: the limit is {MAX_SCANS}")
    if num_scans * num_pixels > MAX_SCANNED_PIXELS:
        raise CostlyPictureError(
            f"too many scans for so many pixels: {num_scans} scans of {num_pixels:,} pixels, the "
            f"limit is {MAX_SCANNED_PIXELS:,} pixels in all scans"
        )
    if num_metadata > MAX_METADATA:
        raise CostlyPictureError(f"too much metadata: the limit is {MAX_METADATA:,} bytes")


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Return name, start and end of the data of every chunk of a PNG file.

    Args:
        content: Bytes of a PNG file. It may be damaged; the chunks before the damage are returned.
    """
    position, name = len(PNG_START), b""
    while name != b"IEND":
        length = int.from_bytes(content[position : position + 4], "big")
        name = content[position + 4 : position + 8]
        if len(name) < 4 or not name.isalpha():
            return
        yield name, position + 8, position + 8 + length
        position += length + 12


def has_costly_texts(content: bytes) -> bool:
    """Return whether compressed texts of a PNG file may take much memory in TensorFlow.

    TensorFlow decompresses and keeps all of them: 1.5 MB can become 1.5 GiB, in 15 seconds.

    Args:
        content: Bytes of a PNG file.
    """
    compressed = [
        end - start
        for name, start, end in png_chunks(content)
        if name in (b"zTXt", b"iTXt", b"iCCP")
    ]
    return sum(min(MAX_TEXT, size * DEFLATE_RATIO) for size in compressed) > MAX_TEXTS


def _check_directory(content: bytes) -> None:
    """Check that the values of a TIFF file's first directory do not take more than the file.

    Pillow copies each of them: thousands of values may point at the same bytes.
    """
    order = "<" if content.startswith(b"II") else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    entry, num_inline = struct.Struct(f"{order}HHQQ" if big else f"{order}HHLL"), 8 if big else 4
    count, first = ("Q", 8) if big else ("H", 4)
    try:
        (position,) = struct.unpack_from(order + ("Q" if big else "L"), content, first)
        (num_entries,) = struct.unpack_from(order + count, content, position)
    except struct.error:
        return  # Pillow finds out what is wrong with it
    if num_entries > MAX_TAGS:
        raise CostlyPictureError(f"too much metadata: the limit is {MAX_TAGS:,} tags")
    position += struct.calcsize(order + count)
    end = min(position + num_entries * entry.size, len(content))
    end -= (end - position) % entry.size
    total = 0
    for tag, kind, num_values, offset in entry.iter_unpack(content[position:end]):
        size = num_values * TIFF_TYPES.get(kind, 0)
        if num_inline < size <= len(content) - offset:  # Pillow skips what is outside the file
            total += size
        if tag in STRIP_TAGS and num_values > MAX_STRIPS:
            raise CostlyPictureError(f"too many strips: {num_values}, the limit is {MAX_STRIPS:,}")
        if total > 2 * len(content):
            raise CostlyPictureError("too much metadata: its values overlap")

"""Finds damage in PNG, GIF, WebP and AVIF files that their decoders accept."""

import zlib
from collections.abc import Iterator

#: Zeros that coded pixels never have, but for large areas of one colour: WebP codes at least 10,000
#: pixels of a white picture with one zero.
MIN_ZEROS, PIXELS_PER_ZERO = 64, 5000

PNG_HEADER_BYTES, RIFF_HEADER_BYTES, FRAME_HEADER_BYTES = 8, 12, 16

#: Bytes of a GIF file: before the palette, of a frame's description, and the size of a palette of
#: two colours, which a power of two multiplies.
GIF_HEADER_BYTES, GIF_FRAME_BYTES, GIF_SMALLEST_PALETTE = 13, 9, 6

#: First bytes of the parts of a GIF file: an extension, a frame, the end of the file.
GIF_EXTENSION, GIF_FRAME, GIF_END = b"!", b",", b";"

#: Chunks of WebP with coded pixels. (Transparency, `ALPH`, may be stored without compression.)
WEBP_PIXELS = (b"VP8 ", b"VP8L")


def check_png(content: bytes) -> None:
    """Check the checksums of the pixels, which Pillow ignores.

    Args:
        content: Bytes of a PNG file.

    Raises:
        ValueError: A checksum is wrong, or the file ends early.
    """
    position = PNG_HEADER_BYTES
    while (name := content[position + 4 : position + 8]) != b"IEND":
        length = int.from_bytes(content[position : position + 4], "big")
        end = position + 8 + length
        if end + 4 > len(content):
            raise ValueError("the file ends before the picture")
        if name == b"IDAT":
            checksum = zlib.crc32(memoryview(content)[position + 4 : end])
            if checksum != int.from_bytes(content[end : end + 4], "big"):
                raise ValueError("wrong checksum of the pixels")
        position = end + 4


def check_gif(content: bytes) -> None:
    """Check that the data of the first frame end where a part of a GIF file may begin.

    The format has no checksums: a decoder takes any bytes as pixels once its table is full.

    Args:
        content: Bytes of a GIF file.

    Raises:
        ValueError: The file ends within the first frame, or other bytes than a part follow it.
    """
    position = GIF_HEADER_BYTES + _palette_bytes(content[10])
    while (first := content[position : position + 1]) != GIF_FRAME:
        if not first:
            raise ValueError("the file ends before the picture")
        position = _end_of_blocks(content, position + 2) if first == GIF_EXTENSION else position + 1
    flags = content[position + GIF_FRAME_BYTES]
    data = position + 1 + GIF_FRAME_BYTES + _palette_bytes(flags) + 1
    rest = content[_end_of_blocks(content, data) :].lstrip(b"\0")
    if rest and rest[:1] not in (GIF_EXTENSION, GIF_FRAME, GIF_END):
        raise ValueError("other bytes follow the data of the first frame")


def _palette_bytes(flags: int) -> int:
    return GIF_SMALLEST_PALETTE << (flags & 7) if flags & 0x80 else 0


def _end_of_blocks(content: bytes, position: int) -> int:
    """Return where a chain of blocks ends: each begins with its length, the last one has none."""
    while position < len(content):
        length = content[position]
        position += 1 + length
        if not length:
            return position
    raise ValueError("the file ends before the picture")


def check_zeros(content: bytes, form: str, num_pixels: int) -> None:
    """Check that the coded pixels of a WebP or AVIF file are not overwritten with zeros.

    Args:
        content: Bytes of the file.
        form: Name of the format; all but `WEBP` and `AVIF` pass.
        num_pixels: Number of pixels of the picture.

    Raises:
        ValueError: The file has a long run of zeros.
    """
    boxes = {"WEBP": _webp_pixels, "AVIF": _avif_pixels}.get(form)
    for start, end in boxes(content) if boxes else ():
        zeros = content.find(bytes(max(MIN_ZEROS, num_pixels // PIXELS_PER_ZERO)), start, end)
        if zeros >= 0:
            raise ValueError(f"the coded data are overwritten with zeros from byte {zeros}")


def _webp_pixels(content: bytes, start: int = RIFF_HEADER_BYTES) -> Iterator[tuple[int, int]]:
    while start + 8 <= len(content):
        name = content[start : start + 4]
        end = start + 8 + int.from_bytes(content[start + 4 : start + 8], "little")
        if name in WEBP_PIXELS:
            yield start + 8, end
            return  # the first picture is the one that is read
        # A frame of an animation holds chunks in turn.
        start = start + 8 + FRAME_HEADER_BYTES if name == b"ANMF" else end + end % 2


def _avif_pixels(content: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start + 8 <= len(content):
        length = int.from_bytes(content[start : start + 4], "big")
        end = start + length if length >= 8 else len(content)
        if content[start + 4 : start + 8] == b"mdat":
            yield start + 8, end
        start = end

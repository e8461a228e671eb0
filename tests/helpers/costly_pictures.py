"""Small files that would cost a decoder much time or memory."""

import io
import re
import struct
import zlib

from PIL import Image
from tiny_pictures import encode

#: Segment of a JPEG file, from the start of the last scan's tables to the end of its coded data.
LAST_SCAN = re.compile(rb"\xff\xc4(?:(?!\xff\xc4).)*\Z", re.DOTALL)


def progressive(size: tuple[int, int], more_scans: int = 0) -> bytes:
    """A progressive JPEG picture of 10 scans, whose last one is repeated."""
    content = encode(
        Image.linear_gradient("L").resize(size).convert("RGB"), "JPEG", progressive=True
    )
    found = LAST_SCAN.search(content[:-2])
    assert found
    return content[:-2] + found[0] * more_scans + content[-2:]


def with_segments(count: int, marker: int = 0xFE, content: bytes = b"") -> bytes:
    """A JPEG picture with further segments of a kind, by default comments."""
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
    picture = encode(Image.new("RGB", (8, 8)), "JPEG")
    return picture[:2] + segment * count + picture[2:]


def directory(num_tags: int, num_bytes: int) -> bytes:
    """A TIFF directory whose values all are the same bytes, which follow it."""
    start = 8 + 2 + 12 * num_tags + 4
    entries = [struct.pack("<HHLL", 40_000 + n, 1, num_bytes, start) for n in range(num_tags)]
    head = b"II*\0" + struct.pack("<L", 8) + struct.pack("<H", num_tags)
    return head + b"".join(entries) + bytes(4) + b"x" * num_bytes


def png_with(chunks: list[tuple[bytes, bytes]], after: bool = False) -> bytes:
    """A PNG picture with chunks before or after its pixels."""
    picture = encode(Image.new("RGB", (8, 8)))
    at = len(picture) - 12 if after else picture.index(b"IDAT") - 4
    made = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return picture[:at] + made + picture[at:]


def text_bomb(num_bytes: int, num_texts: int) -> list[tuple[bytes, bytes]]:
    """Chunks of PNG that become a thousand times their size."""
    return [(b"zTXt", b"k\0\0" + zlib.compress(bytes(num_bytes), 9))] * num_texts


def large(form: str, side: int, mode: str = "RGB", **options: object) -> bytes:
    """A small file of many pixels of one colour."""
    file = io.BytesIO()
    Image.new(mode, (side, side)).save(file, form, **options)
    return file.getvalue()

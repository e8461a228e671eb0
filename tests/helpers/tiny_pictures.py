"""Pictures of a few pixels, and folders of them."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (4, 3)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """Bytes of a file in a format that Pillow writes."""
    file = io.BytesIO()
    image.save(file, format=form, **options)
    return file.getvalue()


def solid(colour: str | int | tuple[int, ...], mode: str = "RGB", form: str = "PNG") -> bytes:
    """Bytes of a picture of one colour."""
    return encode(Image.new(mode, SIZE, colour), form)


def gradient() -> Image.Image:
    """A picture whose pixels all differ, so that a turned or mirrored one is another."""
    image = Image.new("RGB", SIZE)
    for column in range(SIZE[0]):
        for row in range(SIZE[1]):
            image.putpixel((column, row), (60 * column, 80 * row, 20 * (column + row)))
    return image


def noise(size: tuple[int, int], spread: int, seed: int = 0) -> Image.Image:
    """A grey picture of noise; a seed always gives the same one, unlike Pillow's own noise."""
    values = np.random.default_rng(seed).normal(128, spread, size[::-1])
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def photo(size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture with detail everywhere."""
    smooth = noise((size[0] // 8, size[1] // 8), 90).resize(size)
    return Image.merge("RGB", [smooth, noise(size, 30), smooth.rotate(180)])


def png_of(width: int, height: int, bits: int, colour_type: int, pixels: bytes = b"") -> bytes:
    """A PNG file by hand, for what Pillow does not write.

    Args:
        width: Width in the header.
        height: Height in the header.
        bits: Bits per channel.
        colour_type: 0 grey, 2 RGB.
        pixels: Rows, each after its filter byte.
    """
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def with_comment(picture: bytes, comment: str) -> bytes:
    """Bytes of the same PNG with a comment: the same pixels in another file."""
    start = len(PNG_SIGNATURE) + len(_chunk(b"IHDR", bytes(13)))
    return picture[:start] + _chunk(b"tEXt", b"Comment\0" + comment.encode()) + picture[start:]


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    """Write files by their relative paths; returns the root."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root

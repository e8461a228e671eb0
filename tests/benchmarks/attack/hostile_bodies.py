"""Bodies of predict requests that cost a server much and a client little."""

import base64
import io
import json
import struct
import zlib

from PIL import Image

#: Sides of square pictures: just below the pixels that the server decodes, and far above.
SIDES = (7_200, 9_990)

START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"

#: Scans of a progressive JPEG; each is decoded over all of the picture.
SCANS = 9_000

#: Largest body that the server reads.
MAX_BODY = 32 * 2**20


def bombs() -> dict[str, bytes]:
    """Return bodies with small files of many pixels, by name."""
    Image.MAX_IMAGE_PIXELS = None
    files: dict[str, bytes] = {}
    for side in SIDES:
        rows = {"rgb": (8, 2, 3 * side), "1bit": (1, 0, -(-side // 8)), "rgba16": (16, 6, 8 * side)}
        for name, (depth, color_type, num_bytes) in rows.items():
            files[f"png-{name}-{side}"] = _png(side, depth, color_type, num_bytes)
        flat = Image.new("RGBA", (side, side))
        files[f"webp-{side}"] = _encode(flat, "WEBP", lossless=True, quality=0, method=0)
    side = SIDES[0]
    files["gif"] = _encode(Image.new("P", (side, side)), "GIF")
    files["jpeg"] = _encode(Image.new("L", (side, side)), "JPEG", quality=1)
    files["tiff"] = _encode(Image.new("1", (side, side)), "TIFF", compression="group4")
    frames = [Image.new("P", (1_000, 1_000), number) for number in range(200)]
    files["gif-frames"] = _encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    return {name: predict_body([content]) for name, content in files.items()}


def scans(side: int = 4_000) -> bytes:
    """Return a body with a progressive JPEG whose last scan is there `SCANS` times more."""
    content = _encode(Image.new("L", (side, side)), "JPEG", progressive=True)
    last_scan = content[content.rindex(START_OF_SCAN) : -len(END_OF_IMAGE)]
    return predict_body([content[: -len(END_OF_IMAGE)] + last_scan * SCANS + END_OF_IMAGE])


def json_bodies() -> dict[str, bytes]:
    """Return large bodies of JSON that is nested, wide, or one long value, by name."""
    room = MAX_BODY - 100
    return {
        "json-nested": b'{"instances":' + b"[" * (room // 2) + b"]" * (room // 2) + b"}",
        "json-numbers": b'{"instances":[' + b"0," * (room // 2) + b"0]}",
        "json-objects": b'{"instances":[' + b"{}," * (room // 3) + b"{}]}",
        "json-keys": b"{" + b'"a":1,' * (room // 6) + b'"instances":[1]}',
        "json-string": b'{"instances":["' + b"a" * room + b'"]}',
        "json-escapes": b'{"instances":["' + b"\\u00e9" * (room // 6) + b'"]}',
        "json-base64": b'{"instances":[{"b64":"' + b"A" * (room // 4 * 4 - 400) + b'"}]}',
    }


def predict_body(pictures: list[bytes], signature: str = "serving_default") -> bytes:
    """Return the body of a predict request.

    Args:
        pictures: Files.
        signature: Name of the signature.
    """
    instances = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
    return json.dumps({"signature_name": signature, "instances": instances}).encode()


def _encode(picture: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format=form, **options)
    return file.getvalue()


def _png(side: int, depth: int, color_type: int, bytes_per_row: int) -> bytes:
    """Return a black PNG, made row by row."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    packer = zlib.compressobj(1)
    row = bytes(1 + bytes_per_row)
    packed = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    header = struct.pack(">IIBBBBB", side, side, depth, color_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", packed), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)

"""Size of a WebP picture, from the first bytes of its file.

See "WebP Container Specification" and "Specification for WebP Lossless Bitstream", and RFC 6386 for
lossy pictures.
"""

LOSSY, LOSSLESS, EXTENDED = b"VP8 ", b"VP8L", b"VP8X"


def webp_pixels(content: bytes) -> int:
    """Return the number of pixels of a WebP picture; 0 for any other file.

    Args:
        content: Bytes of a file.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return 0
    form = content[12:16]
    if form == EXTENDED:
        width, height = _number(content[24:27]) + 1, _number(content[27:30]) + 1
    elif form == LOSSLESS:
        bits = _number(content[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif form == LOSSY:
        width, height = _number(content[26:28]) & 0x3FFF, _number(content[28:30]) & 0x3FFF
    else:
        return 0
    return width * height


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")

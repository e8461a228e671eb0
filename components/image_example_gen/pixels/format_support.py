"""Tells which files are not read although they are pictures, and names their format."""

import codecs

from PIL import Image

#: Brands of HEIC and related formats in their container (ISO/IEC 23008-12).
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

#: First bytes of a file -> format. Pillow may know the format, and not the kind of its pixels.
SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}

#: Numbers of TIFF tags, and their values.
BITS, PHOTOMETRIC, PLANES = 258, 262, 284
BLACK_IS_ZERO, RGB, PALETTE, CMYK = 1, 2, 3, 5
SEPARATE = 2

REMEDY = "save it as PNG with 8 or 16 bits"


def find_unsupported(image: Image.Image) -> str:
    """Return the reason why the pixels of a file are not read; "" if they are.

    TIFF files may store each channel in a plane of its own. Pillow reads such planes right if they
    are plain 8-bit grey, palette, RGB or CMYK; the pixels of others become wrong without an error.

    Args:
        image: Picture that is not loaded yet.
    """
    if image.format == "TIFF" and image.info.get("compression") == "webp":
        # The libtiff of Pillow's wheels has no WebP, and would call the file damaged.
        return f"unsupported kind of TIFF: WebP compression; {REMEDY}"
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    bits = tags.get(BITS, (1,))
    if tags.get(PLANES) != SEPARATE or (len(bits) == 1 and not _is_uncompressed(image)):
        return ""
    readable = (BLACK_IS_ZERO, PALETTE) if len(bits) == 1 else (RGB, CMYK)
    if set(bits) == {8} and tags.get(PHOTOMETRIC) in readable:
        return ""
    return (
        f"unsupported kind of TIFF: {len(bits)} x {max(bits)} bits in separate planes; {REMEDY}, "
        "or as TIFF with interleaved channels"
    )


def _is_uncompressed(image: Image.Image) -> bool:
    tiles = getattr(image, "tile", [])
    return bool(tiles) and bool(tiles[0][0] == "raw")


def describe_unknown(content: bytes) -> str:
    """Return the reason why a file cannot be opened, from its first bytes.

    Args:
        content: Bytes of a file that Pillow does not open.
    """
    start = content[:4096].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in start:
        return "SVG drawing: save it as PNG"
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "HEIC picture: save it as JPEG or PNG"
    for signature, form in SIGNATURES.items():
        if content.startswith(signature):
            return f"unsupported kind of {form}, or a damaged header: {REMEDY}"
    return "not a picture in a known format"

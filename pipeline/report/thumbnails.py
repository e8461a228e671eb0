"""Thumbnails that are embedded in a page."""

import base64
import io
import os
import stat
from pathlib import Path

from PIL import Image, ImageOps

from components.image_example_gen.picture_reader import FORMATS, MAX_PIXELS
from trainer_module.contract.locations import is_uri, locate

#: Longest side in pixels: twice the displayed size, for high-density screens.
SIDE = 160

#: Quality of the WebP encoder. The thumbnail of a photo has about 4 KB.
QUALITY = 60

#: Files with more bytes get no thumbnail.
MAX_BYTES = 20_000_000


def encode_thumbnail(content: bytes) -> str | None:
    """Return a thumbnail as a data URI of a few kilobytes.

    Args:
        content: Encoded picture, in any format that ingestion reads.

    Returns:
        None if the picture cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = ImageOps.contain(ImageOps.exif_transpose(image).convert("RGBA"), (SIDE, SIDE))
            background = Image.new("RGBA", small.size, "white")
            file = io.BytesIO()
            flat = Image.alpha_composite(background, small).convert("RGB")
            flat.save(file, format="WEBP", quality=QUALITY)
    except Exception:  # Pillow's decoders raise errors of many types for damaged files
        return None
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def file_thumbnail(data_root: str, path: str) -> str | None:
    """Return the thumbnail of a file of the data set as a data URI.

    Pipes and devices are not opened, because reading them might never end.

    Args:
        data_root: Folder or URI that the path may be relative to.
        path: Path of the file.

    Returns:
        None if the file is remote, missing, large or not a picture.
    """
    location = locate(data_root, path)
    if is_uri(location):
        return None
    try:
        status = os.stat(location)  # noqa: PTH116 (Path would normalise the name)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return None
        return encode_thumbnail(Path(location).read_bytes())
    except (OSError, ValueError):
        return None

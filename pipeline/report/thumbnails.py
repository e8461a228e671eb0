"""Small pictures that are part of a page."""

import base64
import io
import os
import stat
from pathlib import Path

from PIL import Image, ImageOps

from components.image_example_gen.pictures import FORMATS, MAX_PIXELS
from trainer_module.contract.locations import is_uri, locate

#: Longest side in pixels: twice what is shown, for screens of twice the density.
SIDE = 160

#: WebP's; a thumbnail of a photo is about 4 KB.
QUALITY = 60

#: Larger files are not opened for a thumbnail.
MOST_BYTES = 20_000_000


def thumbnail(content: bytes) -> str | None:
    """A picture as a data URI of a few kilobytes; None where it cannot be decoded.

    Args:
        content: of the file, in any of the formats that ingestion reads.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            small = ImageOps.contain(ImageOps.exif_transpose(image).convert("RGBA"), (SIDE, SIDE))
            ground = Image.new("RGBA", small.size, "white")
            file = io.BytesIO()
            shown = Image.alpha_composite(ground, small).convert("RGB")
            shown.save(file, format="WEBP", quality=QUALITY)
    except Exception:  # a damaged file makes Pillow's decoders raise all sorts
        return None
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def thumbnail_of(data_root: str, path: str) -> str | None:
    """The thumbnail of a file of the data set; None where it is remote, large or no picture.

    A pipe or a device is not opened: it could be read without end.

    Args:
        data_root: folder or URI that the path may be relative to.
        path: of the file.
    """
    place = locate(data_root, path)
    if is_uri(place):
        return None
    try:
        facts = os.stat(place)  # noqa: PTH116 (a name that Path would change)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MOST_BYTES:
            return None
        return thumbnail(Path(place).read_bytes())
    except (OSError, ValueError):
        return None

"""A picture of pictures: what is in every domain and class, at one glance."""

import hashlib
import heapq
import io
import os
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from components.image_example_gen.catalog import read_catalog
from components.image_example_gen.ingestion import read_bytes
from components.image_example_gen.pictures import UnusablePictureError, read_picture
from trainer_module.contract import example_features
from trainer_module.contract.locations import locate

CELL = 88
GAP = 6
NAMES = 150
PER_CLASS = 2
MOST_DOMAINS = 30
MOST_CLASSES = 10

BACKGROUND, INK, FAINT = "white", "#202020", "#707070"

#: (domain, class) -> paths of its samples.
Samples = dict[tuple[str, str], list[str]]


def write_contact_sheet(catalog_uri: str, data_root: str, path: Path) -> None:
    """Draw samples of every class in every domain: domains are rows, classes are columns.

    The samples are chosen by a hash of their names: they are the same whenever the data are.

    Args:
        catalog_uri: of ingestion's `catalog` artifact.
        data_root: folder or URI that image ids are relative to.
        path: of the PNG file.
    """
    samples, counts = _choose(catalog_uri)
    domains = sorted({domain for domain, _ in samples})
    labels = sorted({label for _, label in samples})
    shown, columns = _spread(domains, MOST_DOMAINS), _spread(labels, MOST_CLASSES)
    width = NAMES + len(columns) * (PER_CLASS * CELL + GAP) + GAP
    height = 2 * CELL // 3 + len(shown) * (CELL + GAP) + GAP
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    parts = ((len(shown), len(domains), "domains"), (len(columns), len(labels), "classes"))
    title = ", ".join(f"{few} of {all_} {what}" for few, all_, what in parts)
    pen.text((GAP, GAP), f"{sum(counts.values()):,} pictures, {title}", FAINT, font)
    for column, label in enumerate(columns):
        left = NAMES + column * (PER_CLASS * CELL + GAP)
        pen.text((left, CELL // 3), _fitting(label, PER_CLASS * CELL, font), INK, font)
    for row, domain in enumerate(shown):
        top = 2 * CELL // 3 + row * (CELL + GAP)
        pen.text((GAP, top + CELL // 3), _fitting(domain, NAMES - 2 * GAP, font), INK, font)
        pen.text((GAP, top + CELL // 3 + 18), f"{counts[domain]:,} pictures", FAINT, font)
        for column, label in enumerate(columns):
            left = NAMES + column * (PER_CLASS * CELL + GAP)
            for number, name in enumerate(samples.get((domain, label), [])):
                _paste(sheet, locate(data_root, name), left + number * CELL, top)
    sheet.save(path, format="PNG")


def _choose(catalog_uri: str) -> tuple[Samples, dict[str, int]]:
    """Samples per domain and class, and pictures per domain."""
    columns = [example_features.IMAGE_ID, example_features.DOMAIN, example_features.LABEL]
    heaps: dict[tuple[str, str], list[tuple[int, str]]] = {}
    counts: dict[str, int] = {}
    for table in read_catalog(catalog_uri, columns):
        for row in table.to_pylist():
            name, domain = os.fsdecode(row[example_features.IMAGE_ID]), row[example_features.DOMAIN]
            counts[domain] = counts.get(domain, 0) + 1
            key = int.from_bytes(hashlib.sha256(row[example_features.IMAGE_ID]).digest()[:8], "big")
            heap = heaps.setdefault((domain, row[example_features.LABEL]), [])
            heapq.heappush(heap, (-key, name))
            if len(heap) > PER_CLASS:
                heapq.heappop(heap)
    return {key: [name for _, name in sorted(heap)] for key, heap in heaps.items()}, counts


def _spread(names: list[str], most: int) -> list[str]:
    """Some of the names, evenly over all of them."""
    if len(names) <= most:
        return names
    return [names[number * len(names) // most] for number in range(most)]


def _paste(sheet: Image.Image, place: str, left: int, top: int) -> None:
    try:
        picture = read_picture(read_bytes(place))
    except UnusablePictureError:  # it was there when the catalog was made
        return
    with Image.open(io.BytesIO(picture.encoded)) as image:
        thumbnail = ImageOps.contain(image.convert("RGB"), (CELL - 2, CELL - 2))
    sheet.paste(thumbnail, (left + (CELL - thumbnail.width) // 2, top))


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    text = text.encode("utf-8", "replace").decode()
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "\u2026") > width:
        text = text[:-1]
    return text + "\u2026"

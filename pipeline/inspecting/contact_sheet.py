"""A contact sheet: one image with samples of every class in every domain."""

import hashlib
import heapq
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageDraw, ImageFont, ImageOps

from components.image_example_gen.catalog import read_catalog
from components.image_example_gen.ingestion import read_file
from components.image_example_gen.picture_reader import UnusablePictureError, read_picture
from trainer_module.contract import example_features
from trainer_module.contract.locations import locate
from trainer_module.contract.output_text.wording import counted

#: Sizes in pixels: a sample, the space between samples, the column with the names of domains.
CELL = 88
GAP = 6
NAME_WIDTH = 150

#: Number of samples per class and domain.
PER_CLASS = 2

MAX_DOMAINS = 30
MAX_CLASSES = 10

BACKGROUND, TEXT, LIGHT_TEXT = "white", "#202020", "#707070"

Item = TypeVar("Item")

#: (domain, class) -> paths of the samples, relative to the data root.
Samples = dict[tuple[str, str], list[str]]


@dataclass(frozen=True)
class SheetRow:
    """A row of a contact sheet.

    Attributes:
        name: Name of the row, such as a domain.
        note: Text below the name.
        cells: Paths or URIs of the pictures, by the name of the column.
    """

    name: str
    note: str
    cells: Mapping[str, Sequence[str]]


def write_contact_sheet(catalog_uri: str, data_root: str, path: Path) -> None:
    """Draw samples of every class (columns) in every domain (rows).

    The samples are chosen by a hash of their paths, so the same data give the same samples.

    Args:
        catalog_uri: URI of the `catalog` artifact of ImageExampleGen.
        data_root: Folder or URI that image ids are relative to.
        path: Path of the PNG file to write.
    """
    samples, counts = _choose(catalog_uri)
    domains = sorted({domain for domain, _ in samples})
    labels = sorted({label for _, label in samples})
    shown, columns = evenly_spaced(domains, MAX_DOMAINS), evenly_spaced(labels, MAX_CLASSES)
    text = (
        f"{counted(sum(counts.values()), 'picture')}, {len(shown)} of "
        f"{counted(len(domains), 'domain')}, {len(columns)} of {counted(len(labels), 'class')}"
    )
    rows = []
    for domain in shown:
        cells = {
            label: [locate(data_root, name) for name in samples.get((domain, label), [])]
            for label in columns
        }
        rows.append(SheetRow(domain, counted(counts[domain], "picture"), cells))
    draw_contact_sheet(rows, columns, PER_CLASS, text, path)


def draw_contact_sheet(
    rows: Sequence[SheetRow], columns: Sequence[str], per_cell: int, text: str, path: Path
) -> None:
    """Draw a table of pictures.

    Args:
        rows: Rows of the table.
        columns: Names of the columns.
        per_cell: Largest number of pictures in a cell.
        text: Text above the table.
        path: Path of the PNG file to write.
    """
    width = NAME_WIDTH + len(columns) * (per_cell * CELL + GAP) + GAP
    height = 2 * CELL // 3 + len(rows) * (CELL + GAP) + GAP
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    pen.text((GAP, GAP), text, LIGHT_TEXT, font)
    for column, name in enumerate(columns):
        left = NAME_WIDTH + column * (per_cell * CELL + GAP)
        pen.text((left, CELL // 3), _shortened(name, per_cell * CELL, font), TEXT, font)
    for number, row in enumerate(rows):
        top = 2 * CELL // 3 + number * (CELL + GAP)
        for line, (words, colour) in enumerate(((row.name, TEXT), (row.note, LIGHT_TEXT))):
            shown = _shortened(words, NAME_WIDTH - 2 * GAP, font)
            pen.text((GAP, top + CELL // 3 + 18 * line), shown, colour, font)
        for column, name in enumerate(columns):
            left = NAME_WIDTH + column * (per_cell * CELL + GAP)
            for position, location in enumerate(row.cells.get(name, ())):
                _paste(sheet, location, left + position * CELL, top)
    sheet.save(path, format="PNG")


def _choose(catalog_uri: str) -> tuple[Samples, dict[str, int]]:
    """Return the samples per domain and class, and the number of pictures per domain."""
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


def evenly_spaced(items: list[Item], most: int) -> list[Item]:
    """Return at most `most` of the items, evenly spaced."""
    if len(items) <= most:
        return items
    return [items[number * len(items) // most] for number in range(most)]


def _paste(sheet: Image.Image, path: str, left: int, top: int) -> None:
    """Draw a picture into a cell; an unreadable one leaves it empty."""
    try:
        picture = read_picture(read_file(path).content)
    except UnusablePictureError:  # removed or changed since ingestion
        return
    with Image.open(io.BytesIO(picture.encoded)) as image:
        thumbnail = ImageOps.contain(image.convert("RGB"), (CELL - 2, CELL - 2))
    sheet.paste(thumbnail, (left + (CELL - thumbnail.width) // 2, top))


def _shortened(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Return a text that is at most `width` pixels wide, with an ellipsis where it is cut."""
    text = text.encode("utf-8", "replace").decode()
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "\u2026") > width:
        text = text[:-1]
    return text + "\u2026"

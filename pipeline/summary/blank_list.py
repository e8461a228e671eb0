"""The list of blank pictures for the user: `blank.csv`."""

import io
import os
from pathlib import Path

import pyarrow.compute as pc

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter

#: Names of the columns, and those of the catalog that they are taken from.
COLUMNS = {
    "path": example_features.IMAGE_ID,
    "domain": example_features.DOMAIN,
    "label": example_features.LABEL,
    "split": "split",
    "blank": "blank",
}


def write_blank_pictures(catalog_uri: str, path: Path) -> None:
    """Write one row per blank picture, with the blank part. Without such pictures, write no file.

    Args:
        catalog_uri: URI of the `catalog` artifact of ImageExampleGen.
        path: Path of the CSV file to write.
    """
    text = io.StringIO(newline="")
    table = SpreadsheetWriter(text, list(COLUMNS))
    empty = text.tell()
    for part in read_catalog(catalog_uri, list(COLUMNS.values())):
        is_blank = pc.fill_null(pc.not_equal(part["blank"], ""), False)
        for row in part.filter(is_blank).to_pylist():
            row[example_features.IMAGE_ID] = os.fsdecode(row[example_features.IMAGE_ID])
            table.write_row(row[name] for name in COLUMNS.values())
    if text.tell() > empty:
        atomic_write(path, text.getvalue().encode("utf-8", "surrogateescape"))

"""The files that a run could not use, where its user looks for them."""

import csv
from itertools import chain
from pathlib import Path

from components.image_example_gen.inventory import read_rejects

COLUMNS = ("path", "domain", "label", "reason", "bytes")


def write_rejects(rejects_uri: str, path: Path) -> None:
    """Write one row per rejected file, with its reason; nothing where there are none.

    Args:
        rejects_uri: URI of ingestion's `rejects` artifact.
        path: of the CSV file.
    """
    rejects = read_rejects(rejects_uri)
    first = next(rejects, None)
    if first is None:
        return
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(chain([first], rejects))

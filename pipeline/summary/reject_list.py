"""The list of unusable files for the user: `rejects.csv`."""

import csv
import io
from itertools import chain
from pathlib import Path

from components.image_example_gen.inventory import read_rejects
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, Draft

COLUMNS = ("path", "domain", "label", "reason", "bytes")


def write_rejects(rejects_uri: str, path: Path) -> None:
    """Write one row per rejected file, with the reason. Without rejected files, write no file.

    Args:
        rejects_uri: URI of the `rejects` artifact of ImageExampleGen.
        path: Path of the CSV file to write.
    """
    rejects = read_rejects(rejects_uri)
    first = next(rejects, None)
    if first is None:
        return
    with Draft(path.with_name(f"{path.name}{DRAFT_SUFFIX}")) as draft:
        with io.TextIOWrapper(draft.file, "utf-8", "surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(chain([first], rejects))
        draft.rename(path)

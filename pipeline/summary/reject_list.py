"""The list of unusable files for the user: `rejects.csv`."""

import io
from itertools import chain
from pathlib import Path

from components.image_example_gen.inventory import read_rejects
from trainer_module.contract.atomic_write import DRAFT_SUFFIX, Draft
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter

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
        text = io.TextIOWrapper(draft.file, "utf-8", "surrogateescape", newline="")
        table = SpreadsheetWriter(text, COLUMNS)
        for row in chain([first], rejects):
            table.write_row(row.get(name, "") for name in COLUMNS)
        text.detach()  # the draft is flushed and closed when it is renamed
        draft.rename(path)

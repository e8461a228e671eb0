"""Removal of pictures from a folder of chosen pictures, which others may be labelling."""

import io
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pipeline.inputs.sidecar import SIDECAR
from pipeline.picture_selection.folder_names import SHEET, TABLE, TASKS
from pipeline.picture_selection.label_studio_tasks import IMAGE
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter, read_rows


def cut_selection(folder: Path, paths: Collection[str]) -> None:
    """Remove pictures from a folder of `write_selection`: what names or shows them, then the files.

    The contact sheet goes in whole. All other pictures stay as they are. What is gone already is no
    error.

    Args:
        folder: Folder of the chosen pictures.
        paths: Paths of the pictures to remove, relative to the folder.

    Raises:
        OSError: A file cannot be read, written or removed.
    """
    for name in (TABLE, SIDECAR):
        if (folder / name).exists():
            _cut_table(folder / name, paths)
    if (folder / TASKS).exists():
        tasks = json.loads((folder / TASKS).read_bytes())
        names = {f"{folder.name}/{path}" for path in paths}
        left = [task for task in tasks if _named_by(task) not in names]
        atomic_write(folder / TASKS, json.dumps(left, indent=1) + "\n")
    (folder / SHEET).unlink(missing_ok=True)
    for path in paths:
        (folder / path).unlink(missing_ok=True)


def _cut_table(file: Path, paths: Collection[str]) -> None:
    """Write a table again without the rows of some pictures."""
    content = file.read_bytes().decode("utf-8", "surrogateescape")
    rows = list(read_rows(io.StringIO(content, newline="")))
    left = [row for row in rows if row["path"] not in paths]
    if len(left) == len(rows):
        return
    text = io.StringIO(newline="")
    table = SpreadsheetWriter(text, list(rows[0]))
    for row in left:
        table.write_row(row.values())
    atomic_write(file, text.getvalue().encode("utf-8", "surrogateescape"))


def _named_by(task: dict[str, Any]) -> str:
    """Return the path of the picture of a task, relative to the folder of the folder."""
    address = str(task["data"][IMAGE]).partition("?d=")[2]
    return unquote(address, errors="surrogateescape")

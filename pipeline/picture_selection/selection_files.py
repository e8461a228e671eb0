"""The folder of chosen pictures, which is written for people and for labelling tools."""

import io
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

from components.image_example_gen.ingestion import read_file
from components.image_example_gen.picture_reader import UnusablePictureError
from components.image_example_gen.splits import digest
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL
from pipeline.inputs.sidecar import SIDECAR, domain_cell
from pipeline.inspecting.contact_sheet import SheetRow, draw_contact_sheet, evenly_spaced
from pipeline.picture_selection.folder_names import (
    CONFIG,
    SELECTION_FILES,
    SHEET,
    TABLE,
    TASKS,
    name_copy,
    name_folders,
)
from pipeline.picture_selection.label_studio_tasks import write_labelling_config, write_tasks
from pipeline.picture_selection.selection import Choice
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter
from trainer_module.contract.output_text.wording import counted

COLUMNS = ("path", "domain", "why", "predicted", "confidence", "original")

#: Pictures in a row of the contact sheet, and the most rows.
PER_ROW, MAX_ROWS = 10, 100

#: Permissions that a copy can have, and has at least. Those who may not read the original may not
#: read the copy.
_ANYONE, _OWNER = 0o666, 0o600


def write_selection(
    choices: Sequence[Choice], classes: list[str], model: str, folder: Path, output: Path
) -> dict[str, str]:
    """Copy the chosen pictures, and write the tables, the tasks and the contact sheet.

    Args:
        choices: Chosen pictures.
        classes: Classes that the model knows.
        model: Name of the model and its version.
        folder: Empty folder to write to.
        output: Path that the folder will have.

    Returns:
        The folder of every domain, by the domain.

    Raises:
        InputError: A picture was changed or removed in the meantime.
        OSError: The disk is full.
    """
    domains = sorted({choice.picture.domain for choice in choices})
    folders = name_folders(domains, (*SELECTION_FILES, SIDECAR))
    names = [_copy(choice, folder, folders[choice.picture.domain]) for choice in choices]
    named = list(zip(names, choices, strict=True))
    _write_tables(named, folders, folder)
    write_tasks(named, output, model, folder / TASKS)
    write_labelling_config(classes, folder / CONFIG)
    _draw_sheet(named, folder)
    return folders


def _copy(choice: Choice, folder: Path, domain_folder: str) -> str:
    """Copy a picture under a name of its own; return its path relative to the folder."""
    picture = choice.picture
    find_fault = picture.roots.find_fault if picture.roots else None
    try:
        file = read_file(picture.location, find_fault=find_fault)
    except UnusablePictureError as reason:
        raise InputError(f"picture {picture.name}: {reason}. Run the command again.") from None
    target = folder / domain_folder / TO_LABEL
    target.mkdir(parents=True, exist_ok=True)
    name = name_copy(PurePosixPath(picture.name).name)
    mode = file.mode & _ANYONE | _OWNER
    try:
        number = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        path = PurePosixPath(name)
        name = f"{path.stem}-{digest(file.content).hex()[:16]}{path.suffix}"
        number = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(number, "wb") as copy:
        copy.write(file.content)
    return f"{domain_folder}/{TO_LABEL}/{name}"


def _write_tables(named: list[tuple[str, Choice]], folders: dict[str, str], folder: Path) -> None:
    """Write the table of choices; and a sidecar with what the folders cannot say."""
    further = list(dict.fromkeys(name for _, choice in named for name in choice.picture.columns))
    columns = [*COLUMNS, *(name for name in further if name not in COLUMNS)]
    rows = [dict(choice.picture.columns) | _cells(name, choice) for name, choice in named]
    _write_table(columns, rows, folder / TABLE)
    beside = [
        {
            "path": name,
            **domain_cell(choice.picture.domain, folders[choice.picture.domain]),
            **choice.picture.columns,
        }
        for name, choice in named
    ]
    if with_columns := [row for row in beside if len(row) > 1]:
        domain = ["domain"] if any("domain" in row for row in with_columns) else []
        _write_table(["path", *domain, *further], with_columns, folder / SIDECAR)


def _cells(path: str, choice: Choice) -> dict[str, str]:
    """Return the cells of `COLUMNS`."""
    picture = choice.picture
    confidence = f"{choice.confidence:.4f}"
    texts = (path, picture.domain, choice.why, choice.label, confidence, picture.location)
    return dict(zip(COLUMNS, texts, strict=True))


def _write_table(columns: list[str], rows: list[dict[str, str]], path: Path) -> None:
    text = io.StringIO(newline="")
    table = SpreadsheetWriter(text, columns)
    for row in rows:
        table.write_row(row.get(name, "") for name in columns)
    path.write_bytes(text.getvalue().encode("utf-8", "surrogateescape"))


def _draw_sheet(named: list[tuple[str, Choice]], folder: Path) -> None:
    """Draw the chosen pictures, by domain and predicted class."""
    rows = list(_sheet_rows(named, folder))
    shown = evenly_spaced(rows, MAX_ROWS)
    count = sum(len(row.cells[""]) for row in shown)
    text = f"{count:,} of {counted(len(named), 'chosen picture')}, by domain and predicted class"
    draw_contact_sheet(shown, [""], PER_ROW, text, folder / SHEET)


def _sheet_rows(named: list[tuple[str, Choice]], folder: Path) -> Iterator[SheetRow]:
    def group(one: tuple[str, Choice]) -> tuple[str, str]:
        return one[1].picture.domain, one[1].label

    for (domain, label), members in groupby(sorted(named, key=group), key=group):
        paths = [str(folder / name) for name, _ in members]
        for start in range(0, len(paths), PER_ROW):
            yield SheetRow(domain, label, {"": paths[start : start + PER_ROW]})

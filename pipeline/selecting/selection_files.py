"""The folder of chosen pictures, which is written for people and for labelling tools."""

import io
import os
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

from components.image_example_gen.ingestion import read_file
from components.image_example_gen.picture_reader import UnusablePictureError
from components.image_example_gen.splits import digest
from pipeline.inspecting.contact_sheet import SheetRow, draw_contact_sheet, evenly_spaced
from pipeline.retraining.deliveries.inbox import TO_LABEL
from pipeline.selecting.label_studio_tasks import write_labelling_config, write_tasks
from pipeline.selecting.selection import Choice
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter

COLUMNS = ("path", "domain", "why", "predicted", "confidence", "original")

#: Names of the files beside the folders of domains.
TABLE, TASKS, CONFIG, SHEET = (
    "selection.csv",
    "label_studio.json",
    "label_studio.xml",
    "contact-sheet.png",
)

#: Pictures in a row of the contact sheet, and the most rows.
PER_ROW, MAX_ROWS = 10, 100

#: Permissions that a copy can have, and has at least. Those who may not read the original may not
#: read the copy.
_ANYONE, _OWNER = 0o666, 0o600

#: Longest name of a copy, in bytes, without what makes it unique.
_MAX_NAME = 200


def write_selection(
    choices: Sequence[Choice], classes: list[str], model: str, folder: Path, output: Path
) -> None:
    """Copy the chosen pictures, and write the table, the tasks and the contact sheet.

    Args:
        choices: Chosen pictures.
        classes: Classes that the model knows.
        model: Name of the model and its version.
        folder: Empty folder to write to.
        output: Path that the folder will have.

    Raises:
        InputError: A picture was changed or removed in the meantime, or the disk is full.
    """
    try:
        names = [_copy(choice, folder) for choice in choices]
        named = list(zip(names, choices, strict=True))
        (folder / TABLE).write_bytes(_table(named).encode("utf-8", "surrogateescape"))
        write_tasks(named, output, model, folder / TASKS)
        write_labelling_config(classes, folder / CONFIG)
        _draw_sheet(named, folder)
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}. Name another folder.") from None


def _copy(choice: Choice, folder: Path) -> str:
    """Copy a picture under a name of its own; return its path relative to the folder."""
    picture = choice.picture
    find_fault = picture.roots.find_fault if picture.roots else None
    try:
        file = read_file(picture.location, find_fault=find_fault)
    except UnusablePictureError as reason:
        raise InputError(f"picture {picture.name}: {reason}. Run the command again.") from None
    folder_name = _folder_name(picture.domain)
    target = folder / folder_name / TO_LABEL
    target.mkdir(parents=True, exist_ok=True)
    name = _short_name(PurePosixPath(picture.name).name)
    mode = file.mode & _ANYONE | _OWNER
    try:
        number = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        path = PurePosixPath(name)
        name = f"{path.stem}-{digest(file.content).hex()[:16]}{path.suffix}"
        number = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(number, "wb") as copy:
        copy.write(file.content)
    return f"{folder_name}/{TO_LABEL}/{name}"


def _folder_name(domain: str) -> str:
    """Return a name for the folder of a domain; a manifest can give a domain any name."""
    name = _short_name(domain.replace("/", "_"))
    return name if name.strip(".") else "_"


def _short_name(name: str) -> str:
    """Return a name to which a digest can be added."""
    if len(os.fsencode(name)) <= _MAX_NAME:
        return name
    suffix = PurePosixPath(name).suffix[-16:]
    return os.fsdecode(os.fsencode(name)[: _MAX_NAME - 64]) + suffix


def _table(named: list[tuple[str, Choice]]) -> str:
    text = io.StringIO(newline="")
    table = SpreadsheetWriter(text, COLUMNS)
    for name, choice in named:
        picture = choice.picture
        confidence = f"{choice.confidence:.4f}"
        table.write_row(
            [name, picture.domain, choice.why, choice.label, confidence, picture.location]
        )
    return text.getvalue()


def _draw_sheet(named: list[tuple[str, Choice]], folder: Path) -> None:
    """Draw the chosen pictures, by domain and predicted class."""
    rows = list(_sheet_rows(named, folder))
    shown = evenly_spaced(rows, MAX_ROWS)
    count = sum(len(row.cells[""]) for row in shown)
    text = f"{count:,} of {len(named):,} chosen pictures, by domain and predicted class"
    draw_contact_sheet(shown, [""], PER_ROW, text, folder / SHEET)


def _sheet_rows(named: list[tuple[str, Choice]], folder: Path) -> Iterator[SheetRow]:
    def group(one: tuple[str, Choice]) -> tuple[str, str]:
        return one[1].picture.domain, one[1].label

    for (domain, label), members in groupby(sorted(named, key=group), key=group):
        paths = [str(folder / name) for name, _ in members]
        for start in range(0, len(paths), PER_ROW):
            yield SheetRow(domain, label, {"": paths[start : start + PER_ROW]})

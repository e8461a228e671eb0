"""Columns of a manifest: their names, and the rows that they give."""

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

from components.evaluation.gate.slice_names import column_name
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import shortened

REQUIRED = ("path", "domain", "label")
OPTIONAL = ("split", "group")

#: Names that other tools give to the required columns.
OTHER_NAMES = {
    "path": {"file", "filename", "file_name", "filepath", "file_path", "image", "image_path"},
    "domain": {"camera", "dataset", "site", "source"},
    "label": {"category", "class", "class_name", "target"},
}

#: What a cell of a row looks like, where the header is missing: a path or the name of a file.
_PATH_LIKE = re.compile(r".*(/|\\|\.[A-Za-z]{3,4}$)")

#: Most characters of the columns that a message shows.
MAX_SHOWN = 300


class TableRow(NamedTuple):
    """A row of the table, before it is checked.

    Attributes:
        position: Position for messages, such as "line 17".
        texts: Values by column name.
        fault: Reason why the row is malformed; "" where it can be parsed.
    """

    position: str
    texts: dict[str, str]
    fault: str = ""


class WantedColumns(NamedTuple):
    """Columns that a table is read for, besides `OPTIONAL`; all others are ignored.

    Attributes:
        required: Names of the columns that must be there.
        slices: Names of the columns of slices, in lower case. A delivery may lack them.
    """

    required: tuple[str, ...] = REQUIRED
    slices: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns that are read."""
        return (*REQUIRED, *OPTIONAL, *self.slices)


#: Columns of a manifest without slices.
NO_SLICES = WantedColumns()


def find_columns(
    names: Sequence[str], location: str, wanted: WantedColumns = NO_SLICES
) -> dict[str, int]:
    """Return the positions of the columns that are read, by their names.

    Names are compared as `column_name` writes them, so that `label` and `Label` are one column
    twice.

    Args:
        names: Names of all columns of the table.
        location: Path or URI of the manifest, for messages.
        wanted: Columns to find.

    Raises:
        InputError: A required column is missing, or a column is there twice.

    Example:
        >>> from pipeline.inputs.manifest_columns import find_columns
        >>> find_columns(["Path", " label ", "note", "DOMAIN"], "pictures.csv")
        {'path': 0, 'domain': 3, 'label': 1}
    """
    columns = {}
    for name in wanted.names:
        found = [position for position, one in enumerate(names) if column_name(one) == name]
        if len(found) > 1 or (not found and name in wanted.required):
            received = shortened(", ".join(names), MAX_SHOWN) or "an empty file"
            remedy = _remedy(name, names, len(found), is_slice=name in wanted.slices)
            raise InputError(
                f"manifest {location} must have one column {shortened(name)}: expected "
                f"{shortened(', '.join(wanted.required), MAX_SHOWN)} and, if wanted, "
                f"{', '.join(OPTIONAL)}. Received: {received}{remedy}"
            )
        if found:
            columns[name] = found[0]
    return columns


def describe_missing(columns: Sequence[str], names: Sequence[str], table: str) -> list[str]:
    """Return a sentence for every column of a slice that the table of a delivery lacks.

    Args:
        columns: Names of the columns of slices.
        names: Names of all columns of the table.
        table: Name of the table.
    """
    found = set(map(column_name, names))
    return [
        f"{table} has no column {shortened(name)}, which the config key slices names: its pictures "
        f"have no value of it.{_did_you_mean(name, names)}"
        for name in columns
        if name not in found
    ]


def _did_you_mean(missing: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(missing, list(map(column_name, names)), n=1)
    return f" Did you mean {shortened(close[0])}?" if close else ""


def _remedy(missing: str, names: Sequence[str], count: int, is_slice: bool) -> str:
    if count > 1:
        return f". {count} columns have this name. Keep one, and rename or remove the others"
    if is_slice:
        advice = _did_you_mean(missing, names)
        return f". The config key slices names it.{advice} Add the column, or leave the name out"
    others = [one for one in names if column_name(one) in OTHER_NAMES.get(missing, ())]
    if others:
        return f". Rename {others[0].strip()} to {missing}"
    if any(_PATH_LIKE.match(name.strip()) for name in names):
        return ". The first line must name the columns"
    if len(names) == 1:
        return ". Separate the columns by commas, semicolons or tabs"
    if any(mark in name for name in names for mark in ";\t|"):
        return ". Separate all columns by the same character"
    return ""

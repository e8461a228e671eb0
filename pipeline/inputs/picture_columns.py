"""Group, split and further columns of pictures, which copies of the pictures keep."""

from collections import Counter
from pathlib import Path
from typing import TypedDict

from pipeline.inputs.csv_table import read_column_names
from pipeline.inputs.manifest_columns import OPTIONAL, REQUIRED
from trainer_module.contract.errors import InputError
from trainer_module.contract.regular_file import UnusableFileError, open_regular


class RowWithColumns(TypedDict, total=False):
    """What a row of a listing and one of a batch have in common.

    Attributes:
        group: Name of a group of pictures that share a split.
        split: Split that a table names.
        slices: Values of further columns by name.
    """

    group: str
    split: str
    slices: dict[str, str]


def picture_columns(row: RowWithColumns) -> dict[str, str]:
    """Return group, split and further columns of a picture by name, without empty ones.

    Args:
        row: Row of the picture.
    """
    columns = {"group": row.get("group", ""), "split": row.get("split", "")}
    return {name: text for name, text in columns.items() if text} | row.get("slices", {})


def further_columns(table: Path) -> tuple[str, ...]:
    """Return the columns of a sidecar or a manifest that any config could name as slices.

    A table that is missing or unreadable has none: its reader says what is wrong with it. A Parquet
    file has none either, as its columns can have types that no slice has.

    Args:
        table: CSV or Parquet file.
    """
    if table.suffix.lower() != ".csv":
        return ()
    try:
        with open_regular(str(table)) as file:
            counts = Counter(read_column_names(file, str(table), ("path",)))
    except (InputError, OSError, UnusableFileError):
        return ()
    known = {"", *REQUIRED, *OPTIONAL}
    return tuple(name for name, count in counts.items() if count == 1 and name not in known)

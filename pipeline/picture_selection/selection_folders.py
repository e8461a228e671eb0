"""Folders that `carryover select` wrote, among the files of a folder of pictures."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from pipeline.picture_selection.folder_names import SELECTION_FILES, TABLE, TASKS
from trainer_module.contract.listing_row import ListingRow


def without_selections(rows: Iterable[ListingRow]) -> tuple[list[ListingRow], list[str]]:
    """Return the rows of files that `carryover select` did not write, and its folders.

    Where the listed folder is one that it wrote, the files beside the folders of domains are left
    out. One below the listed folder is left out as a whole: it holds copies of pictures.

    Args:
        rows: Rows of a folder.
    """
    listed = list(rows)
    paths = {row["path"] for row in listed}
    tables = (PurePosixPath(path).parent for path in paths if PurePosixPath(path).name == TABLE)
    folders = {folder for folder in tables if folder.name and str(folder / TASKS) in paths}
    kept = [
        row
        for row in listed
        if row["path"] not in SELECTION_FILES
        if folders.isdisjoint(PurePosixPath(row["path"]).parents)
    ]
    return kept, sorted(map(str, folders))

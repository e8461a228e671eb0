"""Checks of the rows of a manifest, before their files are looked up."""

import hashlib
import posixpath
import sys
import unicodedata
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.inputs.layouts.split_names import split_of_name
from pipeline.inputs.manifest_columns import OPTIONAL, REQUIRED, TableRow
from pipeline.inputs.system_files import system_folder
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, local_path, locate

#: What tools write for a missing value. A class may be called `none`.
MISSING_VALUES = frozenset(
    {"#N/A", "<NA>", "N/A", "NA", "NAN", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null"}
)


class _Listed(NamedTuple):
    """A row whose path was listed: its position, domain and label."""

    position: str
    domain: str
    label: str


class RowCheck:
    """Turns rows of a table into rows of a listing, and finds the malformed ones."""

    def __init__(self, root: str = "") -> None:
        """Begin a table.

        Args:
            root: Folder or URI that the paths of the rows are relative to.
        """
        self._root = root
        self._listed: dict[bytes, _Listed] = {}

    def listing_row(self, table_row: TableRow) -> ListingRow:
        """Return the row of a listing; one with a `reason` if the row is malformed.

        Args:
            table_row: Row of the manifest.
        """
        position, texts, fault = table_row
        fields = {name: text if name == "path" else text.strip() for name, text in texts.items()}
        row = ListingRow(
            path=local_path(fields.get("path", "")),
            domain=fields.get("domain", ""),
            label=fields.get("label", ""),
            bytes=0,
            modified=0,
        )
        if fields.get("split"):
            row["split"] = fields["split"]
        if fields.get("group"):
            row["group"] = fields["group"]
        if slices := _slice_values(fields):
            row["slices"] = slices
        if fault := fault or _find_fault(row) or self.listed_before(row, position):
            row["reason"] = f"malformed row: {position}: {fault}"
        if not row["path"].strip():
            row["path"] = position
        return row

    def listed_before(self, row: ListingRow, position: str) -> str:
        """Return why the path of a row is listed before, or ""; a new path is remembered.

        Args:
            row: Row with a path, a domain and a label.
            position: Position of the row in the manifest.
        """
        # A digest needs less memory than a long path, and so do shared names.
        digest = hashlib.blake2b(self._same_file(row["path"]).encode(), digest_size=12).digest()
        here = _Listed(position, sys.intern(row["domain"]), sys.intern(row["label"]))
        first = self._listed.setdefault(digest, here)
        if first is here:
            return ""
        if first[1:] == here[1:]:
            return f"path is listed before, in {first.position}. Leave one of the rows out"
        return (
            f"path is listed before, in {first.position}, as {first.domain}/{first.label}. "
            f"Received: {here.domain}/{here.label}. Keep the right one of the rows"
        )

    def _same_file(self, path: str) -> str:
        """Return a text that is the same for all ways to write the path of a file."""
        location = locate(self._root, path)
        if is_uri(location):
            return location
        normal = posixpath.normpath(location)
        return f"/{normal.lstrip('/')}" if normal.startswith("/") else normal


def _slice_values(fields: dict[str, str]) -> dict[str, str]:
    """Return the values of the columns of slices; one that stands for a missing value is none.

    Unicode has two forms of letters with accents: two forms of a value are one value.
    """
    return {
        name: unicodedata.normalize("NFC", text)
        for name, text in fields.items()
        if name not in REQUIRED + OPTIONAL and text and text not in MISSING_VALUES
    }


def _find_fault(row: ListingRow) -> str:
    """Return the reason why a row is malformed by itself, or ""."""
    texts = {"path": row["path"], "domain": row["domain"], "label": row["label"]}
    for name, text in texts.items():
        if not text.strip():
            return f"{name} is empty"
    texts |= {"group": row.get("group", ""), "split": row.get("split", "")}
    texts |= row.get("slices", {})
    for name, text in texts.items():
        if "\0" in text:
            return f"{name} holds a NUL character. Remove it"
    for name in ("domain", "label", "group", "split"):
        if texts[name] in MISSING_VALUES:
            remedy = "rename it" if name in ("domain", "label") else "leave the cell empty"
            return f"{name} is {texts[name]}, which stands for a missing value. Correct or {remedy}"
    if found := system_folder(PurePosixPath(row["path"])):
        return f"path is in {found}, a folder of a system or of network storage"
    split = row.get("split", SPLITS[0])
    if split not in SPLITS:
        meant = split_of_name(split)
        advice = f". Write {meant}" if meant else ""
        return f"split must be one of {', '.join(SPLITS)}. Received: {split}{advice}"
    return ""

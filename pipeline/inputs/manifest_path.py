"""Looks up the file of a manifest's row, and says what may be wrong with a path without a file."""

import os
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.file_status import MISSING, add_file_status
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate

# What is wrong with a path under which no file will ever be delivered.
_BAD_URI = "a file:// URI must name a file of this machine, such as file:///data/a.png"
_WINDOWS_PATH = "a path of Windows. Write it relative to the manifest, with / for \\"
_BACKSLASH = "write / for \\"
_HOME = "~ is not expanded in a manifest. Write the whole path"

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


class ManifestFiles:
    """The files that the rows of a manifest name."""

    def __init__(self, root: str, roots: AllowedRoots | None = None) -> None:
        """Name the folder of the manifest.

        Args:
            root: Folder or URI that paths are relative to.
            roots: Where the files of a delivery may be. None for any place.
        """
        self.root = root
        self._roots = roots
        self._names: dict[Path, dict[str, str]] = {}

    def look_up(self, row: ListingRow) -> bool:
        """Look up the file of a row, and set `bytes` and `modified`, or `reason`, in the row.

        Unicode has two forms of letters with accents, NFC and NFD, and programs change one into
        the other. If only the file of the other form exists, the row gets its path.

        Args:
            row: Row to complete.

        Returns:
            Whether the path of the row was changed.

        Raises:
            UnavailableError: The store of a URI is unavailable.
        """
        path = row["path"]
        location = locate(self.root, path)
        if self._roots and (reason := self._roots.find_fault(location)):
            row["reason"] = reason  # whether the file exists is not looked up
            return False
        add_file_status(row, location)
        if "reason" not in row or (is_uri(location) and not _is_file_uri(path)):
            return False
        if os.path.lexists(location):  # a folder, a broken link, or no permission
            return False
        if not _is_file_uri(path) and not row["reason"].startswith(MISSING):
            return False  # such as a name that is too long to look for similar ones
        for form in ("NFC", "NFD"):
            other = unicodedata.normalize(form, path)
            if other != path and Path(self.root, other).is_file():
                del row["reason"]
                row["path"] = other
                add_file_status(row, locate(self.root, other))
                return True
        if remedy := self._remedy(path):
            row["reason"] += f": {remedy}"
        return False

    def _remedy(self, path: str) -> str:
        """Return what may be wrong with a path that names no file; "" if nothing is known."""
        if _is_file_uri(path):
            return _BAD_URI
        if _WINDOWS.match(path):
            return _WINDOWS_PATH
        if "\\" in path:
            return _BACKSLASH
        if path.startswith("~"):
            return _HOME
        decoded = unquote(path)
        if decoded != path and Path(self.root, decoded).is_file():
            return f"the file is called {decoded}. Percent signs are not decoded in paths"
        if path != path.strip() and Path(self.root, path.strip()).exists():
            return "the file has no spaces around its name. Remove them"
        if Path(path).is_absolute():
            return "an absolute path, perhaps of another machine. Write it relative to the manifest"
        if Path(path).exists():
            return "paths are relative to the folder of the manifest, not to the working directory"
        same = self._other_case(Path(self.root, path))
        return f"the file is called {same}. Write the same case" if same else ""

    def _other_case(self, path: Path) -> str:
        """Return the name of a file in the same folder that differs in its case only, or ""."""
        names = self._names.get(path.parent)
        if names is None:
            found = os.listdir(path.parent) if path.parent.is_dir() else []  # noqa: PTH208
            names = self._names[path.parent] = {_folded(name): name for name in found}
        return names.get(_folded(path.name), "")


def may_arrive(reason: str) -> bool:
    """Return whether a file is missing that may still be delivered, from its reason.

    Args:
        reason: Reason why the row of a manifest is unusable; "" for a usable row.
    """
    never = (_BAD_URI, _WINDOWS_PATH, _BACKSLASH, _HOME)
    return reason.startswith(MISSING) and not reason.endswith(never)


def _is_file_uri(path: str) -> bool:
    return path.lower().startswith("file:")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

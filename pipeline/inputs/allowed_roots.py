"""Folders and URI prefixes whose files a delivery may name."""

import hashlib
import os
import posixpath
from collections.abc import Iterable, Sequence
from itertools import takewhile

from trainer_module.contract.locations import is_uri

#: Beginning of the reason of a file that a delivery may not name. Its folder follows.
OUTSIDE = "outside the inbox and retrain.allowed_roots"


class AllowedRoots:
    """The inbox, and what `retrain.allowed_roots` adds to it."""

    def __init__(self, inbox: str | os.PathLike[str], allowed: Iterable[str] = ()) -> None:
        """Resolve the folders.

        Args:
            inbox: Folder in which the delivery is.
            allowed: Absolute paths of folders, and URI prefixes such as `gs://bucket/pictures`.
        """
        allowed = tuple(allowed)
        local = [os.fspath(inbox), *(root for root in allowed if not is_uri(root))]
        self._folders = tuple(os.path.realpath(folder) for folder in local)
        self._prefixes = tuple(root for root in allowed if is_uri(root))
        self._parents: dict[str, str] = {}
        self._allowed = allowed

    def find_fault(self, location: str) -> str:
        """Return the reason why a file may not be read; "" if it may be.

        Args:
            location: Absolute path, whose links are resolved, or URI. The file need not exist.
        """
        found = location if is_uri(location) else self._real_path(location)
        allowed = self._prefixes if is_uri(location) else self._folders
        if any(_is_below(found, root) for root in allowed):
            return ""
        return f"{OUTSIDE}: {_folder(found)}"

    def stamp(self, stamp: str) -> str:
        """Return the stamp of a delivery with files outside: it changes with the allowed roots."""
        return hashlib.sha256("\n".join((stamp, *self._allowed)).encode()).hexdigest()

    def _real_path(self, path: str) -> str:
        """Return a path without links; the folders of many files are resolved once."""
        folder, name = os.path.split(path)
        try:
            if name in ("", ".", ".."):
                return os.path.realpath(path)
            if folder not in self._parents:
                self._parents[folder] = os.path.realpath(folder)
            joined = os.path.join(self._parents[folder], name)  # noqa: PTH118 (any name)
            is_link = os.path.islink(joined)  # noqa: PTH114
            return os.path.realpath(joined) if is_link else joined
        except ValueError:  # a NUL character: no file has such a name
            return os.path.normpath(path)


def _folder(location: str) -> str:
    """Return the folder of a path or URI; that of `gs://bucket` is `gs://`."""
    folder = posixpath.dirname(location)
    return folder if is_uri(location) is is_uri(folder) else f"{folder}//"


def _is_below(location: str, root: str) -> bool:
    """Return whether a file is a root or is below it, by whole parts of its path."""
    if is_uri(root) and {".", ".."} & set(location.split("/")):
        return False  # whether they leave the root is up to the store
    return location == root or location.startswith(root if root.endswith("/") else f"{root}/")


def outside_folders(reasons: Iterable[str]) -> list[str]:
    """Return the folders of the files that are outside of the allowed roots.

    Args:
        reasons: Reasons why files are unusable.
    """
    start = f"{OUTSIDE}: "
    return [reason[len(start) :] for reason in reasons if reason.startswith(start)]


def advise_allowing(folders: Sequence[str]) -> str:
    """Return what to do if files that are outside may be read.

    Args:
        folders: Folders of the files.
    """
    folder = _common_folder(folders)
    if folder == "/":
        return "Copy the files into the inbox"
    return (
        f"If the batch may read it, add {folder} to the config key retrain.allowed_roots: "
        f"--set 'retrain.allowed_roots=[{folder}]'"
    )


def _common_folder(folders: Sequence[str]) -> str:
    """Return the folder that holds all folders; the first of them if that were too much."""
    parts = zip(*(folder.split("/") for folder in folders), strict=False)
    common = [level[0] for level in takewhile(lambda level: len(set(level)) == 1, parts)]
    # All of a disk or of a store is too much to suggest.
    smallest = 3 if is_uri(folders[0]) else 2
    return "/".join(common) if len(common) >= smallest else folders[0]

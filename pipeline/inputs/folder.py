"""Lists the files of <data>/<domain>/<class>/<picture>."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer_module.contract.errors import InputError

#: What operating systems leave in folders of pictures; everything else is read or rejected.
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})

HIDDEN, SYSTEM = "hidden file", "system file"
MISPLACED = "not in <domain>/<class>/"
LOOP = "link to a folder that holds it"

Row = dict[str, Any]


class FolderListing:
    """The rows of a folder; what is no row is counted on the way.

    Attributes:
        ignored: files that nobody meant as pictures, by what they are. Complete after iteration.
        empty_classes: domain and class of folders without any file. Complete after iteration.
    """

    def __init__(self, root: Path) -> None:
        """Prepare to list a folder.

        Args:
            root: resolved path; files in deeper folders than <class> belong to their class.
        """
        self._root = root
        self.ignored: Counter[str] = Counter()
        self.empty_classes: list[tuple[str, str]] = []

    def __iter__(self) -> Iterator[Row]:
        """Rows in a stable order, see `pipeline.inputs.snapshot.Snapshot`.

        Raises:
            InputError: a folder cannot be read.
        """
        found: dict[tuple[str, str], bool] = {}
        for path, is_loop in self._files(found):
            relative = path.relative_to(self._root)
            found[_class_of(relative)] = True
            yield _row(relative, path, is_loop)
        self.empty_classes = sorted(key for key, has_files in found.items() if not has_files)

    def _files(self, found: dict[tuple[str, str], bool]) -> Iterator[tuple[Path, bool]]:
        """Every file, and every link to a folder above it, which is not followed."""
        for folder, folders, names in os.walk(self._root, followlinks=True, onerror=_unreadable):
            here = Path(folder)
            relative = here.relative_to(self._root)
            if len(relative.parts) == 2:
                found.setdefault(_class_of(relative), False)
            above = {parent.resolve() for parent in (here, *here.parents)}
            visible = [name for name in sorted(folders) if not name.startswith(".")]
            self._count_hidden(here / name for name in folders if name.startswith("."))
            folders[:] = [name for name in visible if (here / name).resolve() not in above]
            yield from ((here / name, True) for name in visible if name not in folders)
            for name in sorted(names):
                if name.startswith("."):
                    self.ignored[HIDDEN] += 1
                elif name.lower() in SYSTEM_FILES:
                    self.ignored[SYSTEM] += 1
                else:
                    yield here / name, False

    def _count_hidden(self, folders: Iterator[Path]) -> None:
        for hidden in folders:
            self.ignored[HIDDEN] += sum(len(names) for _, _, names in os.walk(hidden))


def _class_of(relative: Path) -> tuple[str, str]:
    domain, label = (*relative.parts[:2], "", "")[:2]
    return domain, label


def _row(relative: Path, path: Path, is_loop: bool) -> Row:
    reason = _unusable(relative)
    domain, label = ("", "") if reason else relative.parts[:2]
    row: Row = {"path": relative.as_posix(), "domain": domain, "label": label}
    row |= {"bytes": 0, "modified": 0}
    if is_loop:
        return row | {"reason": LOOP}
    try:
        status = path.stat()
        row |= {"bytes": status.st_size, "modified": status.st_mtime_ns}
        if not stat.S_ISREG(status.st_mode):
            reason = "not a regular file"
    except OSError as error:
        reason = f"cannot be opened: {error.strerror}"
    return row | ({"reason": reason} if reason else {})


def _unusable(relative: Path) -> str | None:
    """Why a file of this name cannot be used, whatever is in it."""
    if len(relative.parts) < 3:
        return MISPLACED
    try:
        "/".join(relative.parts[:2]).encode()
    except UnicodeEncodeError:
        return "domain or class is not named in UTF-8"
    return None


def _unreadable(error: OSError) -> None:
    raise InputError(f"folder {error.filename}: {error.strerror}. Make it readable.")

"""List the files of a folder with the layout <domain>/<class>/<picture>."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow

#: Files that operating systems add to folders of pictures. Every other file is read or rejected.
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})

#: Kinds of files that are skipped.
HIDDEN, SYSTEM = "hidden file", "system file"

#: Reasons why a file is unusable, whatever its content is.
MISPLACED = "not in <domain>/<class>/"
LOOP = "link to a folder that holds it"


@dataclass(frozen=True)
class SkippedFiles:
    """What a scan of a folder met besides the files that it listed.

    Attributes:
        ignored: Number of files that are not meant as pictures, by kind (`HIDDEN`, `SYSTEM`).
        empty_classes: Domain and class of every class folder without files, sorted.
    """

    ignored: dict[str, int]
    empty_classes: tuple[tuple[str, str], ...]


def scan_folder(root: Path, add_row: Callable[[ListingRow], None]) -> SkippedFiles:
    """List the files of a folder one by one, in an order that depends on their paths alone.

    Args:
        root: Resolved path of the folder. Files in folders below <class> belong to their class.
        add_row: Function that is called with the row of every file, see
            `pipeline.inputs.snapshot.Snapshot`. Only one row is in memory at a time.

    Returns:
        The files that were skipped, and the classes without files.

    Raises:
        InputError: A folder is unreadable.
    """
    return _FolderScan(root).run(add_row)


def list_folder(root: Path) -> list[ListingRow]:
    """Return the rows of a folder, see `scan_folder`."""
    rows: list[ListingRow] = []
    scan_folder(root, rows.append)
    return rows


class _FolderScan:
    """The state of one scan."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ignored: Counter[str] = Counter()
        self._class_has_files: dict[tuple[str, str], bool] = {}

    def run(self, add_row: Callable[[ListingRow], None]) -> SkippedFiles:
        for path, is_loop in self._files():
            relative = path.relative_to(self._root)
            self._class_has_files[_class_of(relative)] = True
            add_row(_row(relative, path, is_loop))
        empty = sorted(key for key, has_files in self._class_has_files.items() if not has_files)
        return SkippedFiles(dict(self._ignored), tuple(empty))

    def _files(self) -> Iterator[tuple[Path, bool]]:
        """Yield every file, and every link to a folder above it, which is not followed."""
        for path, folders, names in os.walk(self._root, followlinks=True, onerror=_raise):
            folder = Path(path)
            relative = folder.relative_to(self._root)
            if len(relative.parts) == 2:
                self._class_has_files.setdefault(_class_of(relative), False)
            above = {parent.resolve() for parent in (folder, *folder.parents)}
            visible = [name for name in sorted(folders) if not name.startswith(".")]
            self._count_hidden(folder / name for name in folders if name.startswith("."))
            # os.walk continues with the folders that remain in this list.
            folders[:] = [name for name in visible if (folder / name).resolve() not in above]
            yield from ((folder / name, True) for name in visible if name not in folders)
            for name in sorted(names):
                if name.startswith("."):
                    self._ignored[HIDDEN] += 1
                elif name.lower() in SYSTEM_FILES:
                    self._ignored[SYSTEM] += 1
                else:
                    yield folder / name, False

    def _count_hidden(self, folders: Iterator[Path]) -> None:
        for hidden in folders:
            self._ignored[HIDDEN] += sum(len(names) for _, _, names in os.walk(hidden))


def _class_of(relative: Path) -> tuple[str, str]:
    domain, label = (*relative.parts[:2], "", "")[:2]
    return domain, label


def _row(relative: Path, path: Path, is_loop: bool) -> ListingRow:
    reason = _unusable_name(relative)
    domain, label = ("", "") if reason else relative.parts[:2]
    row = ListingRow(path=relative.as_posix(), domain=domain, label=label, bytes=0, modified=0)
    if is_loop:
        row["reason"] = LOOP
        return row
    try:
        status = path.stat()
        row["bytes"], row["modified"] = status.st_size, status.st_mtime_ns
        if not stat.S_ISREG(status.st_mode):
            reason = "not a regular file"
    except OSError as error:
        reason = f"cannot be opened: {error.strerror}"
    if reason:
        row["reason"] = reason
    return row


def _unusable_name(relative: Path) -> str | None:
    """Return the reason why a file of this path is unusable, whatever its content is."""
    if len(relative.parts) < 3:
        return MISPLACED
    try:
        "/".join(relative.parts[:2]).encode()
    except UnicodeEncodeError:
        return "domain or class is not named in UTF-8"
    return None


def _raise(error: OSError) -> None:
    raise InputError(f"folder {error.filename} cannot be read: {error.strerror}. Make it readable.")

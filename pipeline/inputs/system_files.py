"""Files and folders that systems, network storage and download tools leave among pictures."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePath

#: Kinds of files that are skipped, as they are counted.
HIDDEN = "hidden file"
SYSTEM = "system file"
UNFINISHED = "unfinished download"
SNAPSHOT = "folder of snapshots"

#: Files that Windows, macOS and network storage add, in lower case.
SYSTEM_FILES = frozenset(
    {"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "picasa.ini"}
)

#: Folders that they add: thumbnails, recycle bins, indexes, and what a check of the disk found.
SYSTEM_FOLDERS = frozenset(
    {
        "@eadir",  # Synology: thumbnails, with names of pictures
        "@tmp",
        "#recycle",
        "@recycle",  # QNAP
        "@__thumb",
        "$recycle.bin",  # Windows
        "system volume information",
        "lost+found",  # Linux; only root may read it
        "__macosx",  # ZIP archives from macOS
        "network trash folder",
        "temporary items",
    }
)
_NUMBERED_FOLDER = re.compile(r"found\.\d{3}")  # what chkdsk of Windows found

#: Folders of earlier states of all files. They may be larger than the data, and are not entered.
SNAPSHOT_FOLDERS = frozenset(
    {".snapshot", ".snapshots", ".zfs", "~snapshot", "#snapshot", "@recently-snapshot"}
)
_DATED_SNAPSHOT = re.compile(r"@gmt-[\d.-]+")  # previous versions of SMB, one per time

#: Deepest level of a skipped folder that is entered. Folders below it count as one file.
MAX_SKIPPED_DEPTH = 100

#: Ends of the names of files that a browser or a tool has not finished.
UNFINISHED_SUFFIXES = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp")


def skipped_kind(name: str, is_folder: bool) -> str | None:
    """Return the kind of a file or folder that is not meant as data; None for all others.

    Args:
        name: Name without folders. Case does not matter.
        is_folder: Whether it is a folder.

    Example:
        >>> from pipeline.inputs.system_files import skipped_kind
        >>> skipped_kind("@eaDir", is_folder=True)
        'system file'
        >>> skipped_kind("1.jpg.part", is_folder=False)
        'unfinished download'
        >>> skipped_kind("1.jpg", is_folder=False)
    """
    lower = name.lower()
    if is_folder and (lower in SNAPSHOT_FOLDERS or _DATED_SNAPSHOT.fullmatch(lower)):
        return SNAPSHOT
    if name.startswith("."):
        return HIDDEN
    if _is_system_folder(lower) if is_folder else lower in SYSTEM_FILES:
        return SYSTEM
    if not is_folder and lower.endswith(UNFINISHED_SUFFIXES):
        return UNFINISHED
    return None


def system_folder(path: PurePath) -> str | None:
    """Return the first system folder in a path, such as `@eaDir`; None without one."""
    return next((part for part in path.parts[:-1] if _is_system_folder(part.lower())), None)


def _is_system_folder(lower: str) -> bool:
    return lower in SYSTEM_FOLDERS or bool(_NUMBERED_FOLDER.fullmatch(lower))


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files below a folder that match a pattern, sorted, without skipped ones.

    Args:
        folder: Folder to search.
        pattern: Pattern relative to the folder, such as `*.json`.
    """
    return sorted(path for path in folder.rglob(pattern) if not _is_skipped(path, folder))


def _is_skipped(path: Path, root: Path) -> bool:
    *folders, name = path.relative_to(root).parts
    return bool(skipped_kind(name, False) or any(skipped_kind(one, True) for one in folders))


def describe_skipped(ignored: Mapping[str, int]) -> str:
    """Return how many files are skipped, by kind, as a sentence; "" for none.

    Args:
        ignored: Number of files by kind.

    Example:
        >>> from pipeline.inputs.system_files import describe_skipped
        >>> describe_skipped({"hidden file": 2, "unfinished download": 1})
        'Left alone: hidden file (2), unfinished download (1).'
    """
    kinds = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(ignored.items()))
    return f"Left alone: {kinds}." if kinds else ""


def count_files(folder: Path, kind: str) -> Counter[str]:
    """Count the files in a skipped folder, by kind.

    Args:
        folder: Path of the folder. It need not be readable: what cannot be listed counts as one.
        kind: Kind of the folder. A folder of snapshots is not entered, and counts as one.
    """
    if kind == SNAPSHOT:
        return Counter({SNAPSHOT: 1})
    failures: list[OSError] = []
    files = 0
    for path, folders, names in os.walk(folder, onerror=failures.append):
        files += len(names)
        if path.count(os.sep) - str(folder).count(os.sep) >= MAX_SKIPPED_DEPTH:
            files += len(folders)
            folders.clear()
    return Counter({kind: files + len(failures)})

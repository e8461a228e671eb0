"""List of the files of a version at its push, which tells whether one was lost or cut off since."""

import json
import shutil
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from trainer_module.contract.atomic_write import atomic_write, sync_path
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import (
    DESCRIPTION,
    EXTRA,
    FORGOTTEN_ROWS,
    PUSH_RECORD,
    TEST_PREDICTIONS,
)
from trainer_module.contract.workspace_files.state_files import RESTORE_VERSION

#: Files that a later run may write anew: their sizes are not part of the list.
REWRITTEN = (TEST_PREDICTIONS,)


class FileDamage(NamedTuple):
    """File of a version that is not as it was at the push.

    Attributes:
        name: Path relative to the folder of the version.
        problem: What is wrong with it, as a part of a sentence.
    """

    name: str
    problem: str

    @property
    def prevents_serving(self) -> bool:
        """Whether the version cannot predict without the file."""
        return self.name == DESCRIPTION or not self.name.startswith(f"{EXTRA}/")

    def __str__(self) -> str:
        """Return what happened to the file, as a part of a sentence."""
        return f"{self.name} {self.problem}"


def list_files(version: Path) -> dict[str, int | None]:
    """Return the sizes of a version's files in bytes, by path relative to its folder.

    The record of the push is left out, because it holds the list. The size of a file in `REWRITTEN`
    is None.

    Args:
        version: Folder of the version.
    """
    paths = {
        path.relative_to(version).as_posix(): path
        for path in sorted(version.rglob("*"))
        if path.is_file()
    }
    return {
        name: None if name in REWRITTEN else path.stat().st_size
        for name, path in paths.items()
        if name != PUSH_RECORD
    }


def find_damages(version: Path, files: Mapping[str, int | None] | None) -> list[FileDamage]:
    """Return the files of a version that are lost, or have another size than at the push.

    Args:
        version: Folder of the version.
        files: Sizes by path, see `list_files`; None for a version that was pushed before the list
            was kept, of which nothing is known.
    """
    shortened = read_shortened(version)
    checked = [
        FileDamage(name, _find_problem(version / name, None if name in shortened else size))
        for name, size in (files or {}).items()
    ]
    return [damage for damage in checked if damage.problem]


def note_shortened(version: Path, names: Collection[str]) -> None:
    """Note that rows are about to be removed from files of a version: their sizes change.

    The record of the push stays as it is, because servers mark it, see `version_use`.

    Args:
        version: Folder of the version.
        names: Paths of the files relative to it.

    Raises:
        OSError: The disk is full or read-only.
    """
    noted = sorted({*names, *read_shortened(version)})
    atomic_write(version / FORGOTTEN_ROWS, json.dumps({"files": noted}) + "\n")


def read_shortened(version: Path) -> frozenset[str]:
    """Return the files of a version from which rows were removed; none without a whole record.

    Args:
        version: Folder of the version.
    """
    try:
        return frozenset(json.loads((version / FORGOTTEN_ROWS).read_bytes())["files"])
    except (OSError, ValueError, LookupError, TypeError):
        return frozenset()


def check_files(version: Path, files: Mapping[str, int | None] | None) -> None:
    """Check that a version has all files that it was pushed with.

    Args:
        version: Folder of the version.
        files: Sizes by path, see `find_damages`.

    Raises:
        UnavailableError: A file was lost or cut off.
    """
    if damages := find_damages(version, files):
        raise UnavailableError(f"{describe_damages(version, damages)}. {RESTORE_VERSION}")


def describe_damages(version: Path, damages: list[FileDamage]) -> str:
    """Return which version is damaged, and how, as a sentence without its full stop.

    Args:
        version: Folder of the version.
        damages: Its damaged files, at least one.
    """
    others = f" (and {len(damages) - 1} more of its files)" if len(damages) > 1 else ""
    return f"version {version} is damaged: {damages[0]}{others}"


def _find_problem(path: Path, size: int | None) -> str:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not stat.S_ISREG(status.st_mode):
        return "is no file"
    if size is None or status.st_size == size:
        return ""
    return f"has {status.st_size:,} bytes in place of {size:,}"


def copy_folder(source: Path, target: Path, left_out: Collection[str] = ()) -> None:
    """Copy a folder; the first error ends it, where `shutil.copytree` collects one per file.

    Args:
        source: Folder to copy.
        target: Path of the copy, which does not exist yet.
        left_out: Files and folders that are not copied, relative to the source.
    """
    target.mkdir(parents=True)
    skipped = [source / name for name in left_out]
    for path in sorted(source.rglob("*")):  # a folder comes before what is in it
        copy = target / path.relative_to(source)
        if any(path.is_relative_to(other) for other in skipped):
            continue
        if path.is_dir():
            copy.mkdir()
        else:
            shutil.copy2(path, copy)


def sync_folder(folder: Path) -> None:
    """Flush a folder and its content to the disk, so that they survive a power failure.

    Args:
        folder: Path of the folder.

    Raises:
        OSError: The disk is full or fails.
    """
    for path in folder.rglob("*"):
        sync_path(path)
    sync_path(folder)

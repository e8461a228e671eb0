"""Files, folders and patterns -> pictures, one by one."""

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.inputs.folder import MISPLACED, FolderListing


@dataclass(frozen=True)
class PicturePath:
    """Where a picture is.

    Attributes:
        path: as it was given, or below the folder that was given.
        domain: the folder that it came from, where that is <domain>/<class>/; else empty.
        label: its class by that layout; else empty.
        reason: why it cannot be read, if that is known already.
    """

    path: Path
    domain: str = ""
    label: str = ""
    reason: str | None = None


def find_pictures(given: list[Path]) -> list[PicturePath]:
    """List pictures in the order in which they were given, those of a folder by name.

    Args:
        given: files, folders (with all below them; hidden and system files are left out), and
            patterns such as `pictures/**/*.jpg`. What exists under its own name is no pattern.

    Raises:
        InputError: a folder cannot be read.
    """
    return [picture for path in given for match in _matches(path) for picture in _below(match)]


def _matches(path: Path) -> list[Path]:
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    # A pattern without a match is told like a file that is not there.
    return sorted(map(Path, glob.glob(str(path), recursive=True))) or [path]  # noqa: PTH207


def _below(path: Path) -> Iterator[PicturePath]:
    if not path.is_dir():
        yield PicturePath(path)
        return
    for row in FolderListing(path.resolve()):
        reason = row.get("reason")
        yield PicturePath(
            path / row["path"],
            row["domain"],
            row["label"],
            None if reason == MISPLACED else reason,
        )

"""Pictures in the files, folders and patterns of a command line."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.inputs.folder import MISPLACED, list_folder


@dataclass(frozen=True)
class PicturePath:
    """Path of a picture, with its domain and class if the folders name them.

    Attributes:
        path: Path as it was given, or below a folder that was given.
        domain: Name of the domain if the picture lies in <domain>/<class>/; otherwise empty.
        label: Name of the class by the same layout; otherwise empty.
        reason: Reason why the picture cannot be read, if it is known before reading.
    """

    path: Path
    domain: str = ""
    label: str = ""
    reason: str | None = None


def find_pictures(paths: list[Path]) -> list[PicturePath]:
    """List pictures in the order of the given paths, and those of a folder by name.

    Args:
        paths: Files; folders, which are searched to any depth without hidden and system files; and
            patterns such as `pictures/**/*.jpg`. A path that exists is never read as a pattern,
            nor are the folders that exist at the start of one.

    Returns:
        Pictures. A path that does not exist is in the list too: reading it fails.

    Raises:
        InputError: A folder cannot be read.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from pipeline.predicting.picture_paths import find_pictures
        >>> with TemporaryDirectory() as name:
        ...     for path in (Path(name, "day/cat/1.png"), Path(name, "night/dog/2.png")):
        ...         path.parent.mkdir(parents=True)
        ...         path.touch()
        ...     for picture in find_pictures([Path(name)]):
        ...         print(picture.path.name, picture.domain, picture.label)
        1.png day cat
        2.png night dog
    """
    return [picture for path in paths for match in _expand(path) for picture in _list(match)]


def _expand(path: Path) -> list[Path]:
    """Return the matches of a pattern in sorted order, or the path itself."""
    # os.path.exists returns False for a name that is too long, where Path.exists fails.
    if os.path.exists(path) or not glob.has_magic(str(path)):  # noqa: PTH110
        return [path]
    folder = next(parent for parent in path.parents if os.path.exists(parent))  # noqa: PTH110
    pattern = str(path.relative_to(folder))
    matches = glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    # A pattern without a match is reported like a file that does not exist.
    return sorted(folder / match for match in matches) or [path]


def _list(path: Path) -> Iterator[PicturePath]:
    if not os.path.isdir(path):  # noqa: PTH112 (see _expand)
        yield PicturePath(path)
        return
    for row in list_folder(path.resolve()):
        reason = row.get("reason")
        yield PicturePath(
            path / row["path"],
            row["domain"],
            row["label"],
            None if reason == MISPLACED else reason,
        )

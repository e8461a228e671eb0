"""Pictures in the files, folders, manifests and patterns of a command line."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.inputs.folder import find_layout, list_folder
from pipeline.inputs.layouts.layout import DOMAIN_CLASS, Layout, LayoutOptions
from pipeline.inputs.layouts.unlabelled_names import is_unlabelled
from pipeline.inputs.manifest import read_usable_manifest
from pipeline.inputs.snapshot import is_manifest
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate

#: Reason for the pictures of a manifest that are on a store.
REMOTE = "on a store; predict reads local files. Copy it to this machine"


@dataclass(frozen=True)
class PicturePath:
    """Path of a picture, with its domain and class if the folders or the manifest name them.

    Attributes:
        path: Path as it was given, or below a folder that was given.
        domain: Name of the domain; empty for a picture of which it is unknown.
        label: Name of the class; empty for a picture of which it is unknown.
        reason: Reason why the picture cannot be read, if it is known before reading.
    """

    path: Path
    domain: str = ""
    label: str = ""
    reason: str | None = None


def find_pictures(paths: list[Path], options: LayoutOptions | None = None) -> list[PicturePath]:
    """List pictures in the order of the given paths, and those of a folder by name.

    Args:
        paths: Files; folders, which are searched to any depth without hidden and system files;
            manifests; and patterns such as `pictures/**/*.jpg`. A path that exists is never read
            as a pattern, nor are the folders that exist at the start of one.
        options: What is known about the layout of folders. By default every folder is read as
            <domain>/<class>/, and its layout is not checked.

    Returns:
        Pictures. A path that does not exist is in the list too: reading it fails.

    Raises:
        InputError: A folder or a manifest cannot be read, or the layout of a folder is not clear.

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
    matches = [match for path in paths for match in _expand(path)]
    return [picture for match in matches for picture in _list(match, options)]


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


def _list(path: Path, options: LayoutOptions | None) -> Iterator[PicturePath]:
    if os.path.isdir(path):  # noqa: PTH112 (see _expand)
        layout = find_layout(path.resolve(), options) if options else DOMAIN_CLASS
        yield from _list_folder(path, layout)
    elif is_manifest(str(path)) and os.path.exists(path):  # noqa: PTH110
        yield from _list_manifest(path)
    else:
        yield PicturePath(path)


def _list_folder(path: Path, layout: Layout) -> Iterator[PicturePath]:
    for row in list_folder(path.resolve(), layout):
        reason = row.get("reason")
        if reason and reason == layout.place(Path(row["path"])).reason:
            yield PicturePath(path / row["path"])  # a picture all the same
        else:
            yield _picture_path(path / row["path"], row, reason)


def _list_manifest(path: Path) -> Iterator[PicturePath]:
    for row in read_usable_manifest(str(path.resolve())):
        location = locate(str(path.parent), row["path"])
        reason = row.get("reason") or (REMOTE if is_uri(location) else None)
        yield _picture_path(Path(location), row, reason)


def _picture_path(path: Path, row: ListingRow, reason: str | None) -> PicturePath:
    """Return a picture; of one without a label, the domain says nothing about accuracy."""
    if is_unlabelled(row["label"]):
        return PicturePath(path, reason=reason)
    return PicturePath(path, row["domain"], row["label"], reason)

"""List the files of a folder of pictures, with what its layout says about each."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.inputs.file_status import UNREADABLE, modified_time
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import DOMAIN_CLASS, Layout, LayoutOptions, Placement
from pipeline.inputs.layouts.layout_recognition import choose_layout
from pipeline.inputs.sidecar import SIDECAR, Sidecar
from pipeline.inputs.system_files import count_files, skipped_kind
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.listing_row import ListingRow

#: Reasons why a file is unusable, whatever its content is.
MISPLACED = f"not in {DOMAIN_CLASS.text}"
LOOP = "link to a folder that holds it"


@dataclass(frozen=True)
class SkippedFiles:
    """What a scan of a folder met besides the files that it listed.

    Attributes:
        ignored: Number of files that are not meant as pictures, by kind, see
            `pipeline.inputs.system_files`.
        empty_classes: Domain and class of every class folder without files, sorted.
    """

    ignored: dict[str, int]
    empty_classes: tuple[tuple[str, str], ...]


def find_layout(root: Path, options: LayoutOptions) -> Layout:
    """Return the layout of a folder: the one that the options name, or the only possible one.

    Args:
        root: Resolved path of the folder.
        options: What the user says about the layout.

    Raises:
        InputError: Several layouts are possible, or the folder does not have the given one.
        UnavailableError: A folder is unreadable.
    """
    return choose_layout(_FolderScan(root, DOMAIN_CLASS).tree(), str(root), options)


def scan_folder(
    root: Path, add_row: Callable[[ListingRow], None], layout: Layout = DOMAIN_CLASS
) -> SkippedFiles:
    """List the files of a folder one by one, in an order that depends on their paths alone.

    Args:
        root: Resolved path of the folder. Files in folders below those of the layout belong to
            them.
        add_row: Function that is called with the row of every file, see
            `pipeline.inputs.snapshot.Snapshot`. Only one row is in memory at a time.
        layout: Layout of the folder, see `find_layout`.

    Returns:
        The files that were skipped, and the classes without files.

    Raises:
        InputError: The sidecar is malformed, or contradicts the folders.
        UnavailableError: A folder is unreadable.
    """
    sidecar = Sidecar(root)

    def add_completed(row: ListingRow) -> None:
        sidecar.complete(row)
        add_row(row)

    skipped = _FolderScan(root, layout).run(add_completed)
    sidecar.check_complete()
    return skipped


def list_folder(root: Path, layout: Layout = DOMAIN_CLASS) -> list[ListingRow]:
    """Return the rows of a folder, without what its sidecar says, see `scan_folder`.

    Raises:
        UnavailableError: A folder is unreadable.
    """
    rows: list[ListingRow] = []
    _FolderScan(root, layout).run(rows.append)
    return rows


class _FolderScan:
    """The state of one scan."""

    def __init__(self, root: Path, layout: Layout) -> None:
        self._root = root
        self._layout = layout
        self._ignored: Counter[str] = Counter()
        self._class_has_files: dict[tuple[str, str], bool] = {}

    def tree(self) -> FolderTree:
        return FolderTree.of_files(path.relative_to(self._root) for path, _ in self._files())

    def run(self, add_row: Callable[[ListingRow], None]) -> SkippedFiles:
        for path, is_loop in self._files():
            relative = path.relative_to(self._root)
            placed = self._layout.place(relative)
            if placed.reason is None:
                self._class_has_files[placed.domain, placed.label] = True
            add_row(_row(relative, path, is_loop, placed))
        empty = sorted(key for key, has_files in self._class_has_files.items() if not has_files)
        return SkippedFiles(dict(self._ignored), tuple(empty))

    def _files(self) -> Iterator[tuple[Path, bool]]:
        """Yield every file, and every link to a folder above it, which is not followed."""
        for path, folders, names in os.walk(self._root, followlinks=True, onerror=_raise):
            folder = Path(path)
            relative = folder.relative_to(self._root)
            if len(relative.parts) == len(self._layout.levels):
                placed = self._layout.place_folder(relative.parts)
                if placed.reason is None:
                    self._class_has_files.setdefault((placed.domain, placed.label), False)
            above = {parent.resolve() for parent in (folder, *folder.parents)}
            kinds = {name: skipped_kind(name, is_folder=True) for name in sorted(folders)}
            visible = [name for name, kind in kinds.items() if kind is None]
            for name, kind in kinds.items():
                if kind is not None:
                    self._ignored += count_files(folder / name, kind)
            # os.walk continues with the folders that remain in this list.
            folders[:] = [name for name in visible if (folder / name).resolve() not in above]
            yield from ((folder / name, True) for name in visible if name not in folders)
            for name in sorted(names):
                if kind := skipped_kind(name, is_folder=False):
                    self._ignored[kind] += 1
                elif relative.parts or name != SIDECAR:
                    yield folder / name, False


def _row(relative: Path, path: Path, is_loop: bool, placed: Placement) -> ListingRow:
    row = ListingRow(
        path=relative.as_posix(),
        domain=placed.domain,
        label=placed.label,
        bytes=0,
        modified=0,
    )
    reason = placed.reason
    if placed.split:
        row["split"] = placed.split
    if is_loop:
        row["reason"] = LOOP
        return row
    try:
        status = path.stat()
        row["bytes"], row["modified"] = status.st_size, modified_time(status)
        if not stat.S_ISREG(status.st_mode):
            reason = "not a regular file"
    except OSError as error:
        reason = f"{UNREADABLE}{error.strerror}"
    if reason:
        row["reason"] = reason
    return row


def _raise(error: OSError) -> None:
    raise UnavailableError(
        f"folder {error.filename} cannot be read: {error.strerror}. Make it readable."
    )

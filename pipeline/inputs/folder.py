"""List the files of a folder of pictures, with what its layout says about each."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.file_status import NO_ACCESS, UNREADABLE, modified_time
from pipeline.inputs.layouts.folder_tree import FolderTree
from pipeline.inputs.layouts.layout import DOMAIN_CLASS, Layout, LayoutOptions, Placement
from pipeline.inputs.layouts.layout_recognition import choose_layout
from pipeline.inputs.sidecar import SIDECAR, Sidecar
from pipeline.inputs.system_files import count_files, skipped_kind
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.listing_row import ListingRow

#: Reasons why a file is unusable, whatever its content is.
MISPLACED = f"not in {DOMAIN_CLASS.text}"
LOOP = "link to a folder that holds it"
LISTED = "link to a folder that is listed already"
NESTED = "nested too deeply"

#: Deepest level of folders that is entered. Deeper ones are listed as one unusable file.
MAX_DEPTH = 100

#: Longest path of a folder that is entered, in bytes: Linux allows 4,096 for that of a file.
MAX_PATH = 3800

#: Most files of one delivery. It bounds the memory of a pass.
MAX_FILES = 1_000_000


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


def find_layout(root: Path, options: LayoutOptions, roots: AllowedRoots | None = None) -> Layout:
    """Return the layout of a folder: the one that the options name, or the only possible one.

    Args:
        root: Resolved path of the folder.
        options: What the user says about the layout.
        roots: See `scan_folder`.

    Raises:
        InputError: Several layouts are possible, or the folder does not have the given one.
        UnavailableError: A folder is unreadable.
    """
    return choose_layout(_FolderScan(root, DOMAIN_CLASS, roots).tree(), str(root), options)


def scan_folder(
    root: Path,
    add_row: Callable[[ListingRow], None],
    layout: Layout = DOMAIN_CLASS,
    roots: AllowedRoots | None = None,
    slices: tuple[str, ...] = (),
) -> SkippedFiles:
    """List the files of a folder one by one, in an order that depends on their paths alone.

    Args:
        root: Resolved path of the folder. Files in folders below those of the layout belong to
            them.
        add_row: Function that is called with the row of every file, see
            `pipeline.inputs.snapshot.Snapshot`. Only one row is in memory at a time.
        layout: Layout of the folder, see `find_layout`.
        roots: Where the links of a delivery may lead; it has at most `MAX_FILES` files. None for
            a folder that the user names: its links are followed wherever they lead.
        slices: Names of the columns of slices in the sidecar.

    Returns:
        The files that were skipped, and the classes without files.

    Raises:
        InputError: The sidecar is malformed, or contradicts the folders; too many files.
        UnavailableError: A folder is unreadable.
    """
    sidecar = Sidecar(root, roots, slices)

    def add_completed(row: ListingRow) -> None:
        sidecar.complete(row)
        add_row(row)

    skipped = _FolderScan(root, layout, roots).run(add_completed)
    sidecar.check_complete()
    return skipped


def list_folder(
    root: Path, layout: Layout = DOMAIN_CLASS, roots: AllowedRoots | None = None
) -> list[ListingRow]:
    """Return the rows of a folder, without what its sidecar says, see `scan_folder`.

    Raises:
        InputError: A delivery has too many files.
        UnavailableError: A folder is unreadable.
    """
    rows: list[ListingRow] = []
    _FolderScan(root, layout, roots).run(rows.append)
    return rows


class _FolderScan:
    """The state of one scan."""

    def __init__(self, root: Path, layout: Layout, roots: AllowedRoots | None = None) -> None:
        self._root = root
        self._layout = layout
        self._roots = roots
        self._ignored: Counter[str] = Counter()
        self._class_has_files: dict[tuple[str, str], bool] = {}
        self._linked: set[str] = set()

    def tree(self) -> FolderTree:
        # A folder that is nested too deeply shows no layout: its pictures are not listed.
        return FolderTree.of_files(
            path.relative_to(self._root)
            for path, reason in self._files()
            if not reason.startswith(NESTED)
        )

    def run(self, add_row: Callable[[ListingRow], None]) -> SkippedFiles:
        for number, (path, reason) in enumerate(self._files()):
            if self._roots and number == MAX_FILES:
                raise InputError(
                    f"folder {self._root} holds more than {MAX_FILES:,} files. Deliver it in "
                    "several batches"
                )
            relative = path.relative_to(self._root)
            placed = self._layout.place(relative)
            if placed.reason is None:
                self._class_has_files[placed.domain, placed.label] = True
            add_row(_row(relative, path, reason, placed))
        empty = sorted(key for key, has_files in self._class_has_files.items() if not has_files)
        return SkippedFiles(dict(self._ignored), tuple(empty))

    def _files(self) -> Iterator[tuple[Path, str]]:
        """Yield every file, and every folder that is not entered with the reason."""
        for path, folders, names in os.walk(self._root, followlinks=True, onerror=_raise):
            folder = Path(path)
            relative = folder.relative_to(self._root)
            if len(relative.parts) == len(self._layout.levels):
                placed = self._layout.place_folder(relative.parts)
                if placed.reason is None:
                    self._class_has_files.setdefault((placed.domain, placed.label), False)
            closed = self._closed_folders(folder, self._visible(folder, folders))
            # os.walk continues with the folders that remain in this list.
            folders[:] = [name for name, reason in closed.items() if not reason]
            yield from ((folder / name, reason) for name, reason in closed.items() if reason)
            for name in sorted(names):
                if kind := skipped_kind(name, is_folder=False):
                    self._ignored[kind] += 1
                elif relative.parts or name != SIDECAR:
                    yield folder / name, self._outside(folder / name)

    def _visible(self, folder: Path, names: list[str]) -> list[str]:
        """Return the folders that are meant as data, sorted; count the files in the others."""
        kinds = {name: skipped_kind(name, is_folder=True) for name in sorted(names)}
        for name, kind in kinds.items():
            if kind is not None:
                self._ignored += count_files(folder / name, kind)
        return [name for name, kind in kinds.items() if kind is None]

    def _closed_folders(self, folder: Path, names: list[str]) -> dict[str, str]:
        """Return the reason why each folder is not entered, "" for one that is."""
        depth = len(folder.relative_to(self._root).parts)
        if depth >= MAX_DEPTH:
            return dict.fromkeys(names, f"{NESTED}: below {MAX_DEPTH} levels of folders")
        length = len(os.fsencode(folder))
        return {
            name: f"{NESTED}: its path has more than {MAX_PATH:,} bytes"
            if length + len(os.fsencode(name)) > MAX_PATH
            else self._closed_link(folder, name)
            for name in names
        }

    def _closed_link(self, folder: Path, name: str) -> str:
        """Return the reason why a link to a folder is not followed; "" for any other folder."""
        link = folder / name
        if not os.path.islink(link):  # noqa: PTH114 (Path.is_symlink raises where it may not look)
            return ""
        if self._roots and (reason := self._roots.find_fault(str(link))):
            return reason
        target = os.path.realpath(link)
        if target in map(os.path.realpath, (folder, *folder.parents)):
            return LOOP
        if self._roots is None:
            return ""
        # Folders that link to each other twice and more have more paths than can be listed.
        if target in self._linked:
            return LISTED
        self._linked.add(target)
        return ""

    def _outside(self, path: Path) -> str:
        """Return the reason why a file of a delivery may not be read; "" for all others."""
        is_link = os.path.islink(path)  # noqa: PTH114 (see _closed_link)
        return self._roots.find_fault(str(path)) if self._roots and is_link else ""


def _row(relative: Path, path: Path, closed: str, placed: Placement) -> ListingRow:
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
    if closed:
        row["reason"] = closed
        return row
    try:
        status = path.stat()
        row["bytes"], row["modified"] = status.st_size, modified_time(status)
        if not stat.S_ISREG(status.st_mode):
            reason = "not a regular file"
        elif not reason and not os.access(path, os.R_OK, effective_ids=True):
            reason = NO_ACCESS
    except OSError as error:
        reason = f"{UNREADABLE}{error.strerror}"
    if reason:
        row["reason"] = reason
    return row


def _raise(error: OSError) -> None:
    raise UnavailableError(
        f"folder {error.filename} cannot be read: {error.strerror}. Make it readable."
    )

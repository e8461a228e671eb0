"""Unlabelled pictures of a folder or a manifest, and what is left out of them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config.layout_pattern import CLASS
from pipeline.inputs.allowed_roots import AllowedRoots
from pipeline.inputs.folder import list_folder
from pipeline.inputs.layouts.folder_tree import PICTURE_SUFFIXES
from pipeline.inputs.layouts.layout import DOMAIN_CLASS, Layout
from pipeline.inputs.layouts.unlabelled_names import UNLABELLED, is_unlabelled
from pipeline.inputs.manifest import read_usable_manifest
from pipeline.inputs.picture_columns import further_columns, picture_columns
from pipeline.inputs.sidecar import FROM_FOLDERS, SIDECAR, Sidecar
from pipeline.inputs.snapshot import is_manifest
from pipeline.picture_selection.selection_folders import without_selections
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.deliveries.inbox import READY
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import locate


@dataclass
class FoundPictures:
    """Unlabelled pictures, and what was found besides them.

    Attributes:
        pictures: Unlabelled pictures.
        num_labelled: Number of pictures with a label.
        labelled: Locations of pictures with a label, and where they may be; None for any place.
        labelled_contents: Digests of files that have a label elsewhere, 16 bytes each.
        unlabelled_copies: Locations of the unlabelled pictures in the workspace, relative to it.
        unusable: Names of unusable files, with the reasons.
        notes: Sentences about what was not read.
    """

    pictures: list[UnlabelledPicture] = field(default_factory=list)
    num_labelled: int = 0
    labelled: list[tuple[str, AllowedRoots | None]] = field(default_factory=list)
    labelled_contents: set[bytes] = field(default_factory=set)
    unlabelled_copies: set[bytes] = field(default_factory=set)
    unusable: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def know_labels_of(self, others: "FoundPictures") -> None:
        """Take over what says which pictures have a label elsewhere, and none of the pictures."""
        self.labelled += others.labelled
        self.labelled_contents |= others.labelled_contents
        self.unlabelled_copies |= others.unlabelled_copies

    def add(self, row: ListingRow, root: str, roots: AllowedRoots | None = None) -> None:
        """Add the row of a picture: to the unlabelled pictures, or to what is counted.

        Args:
            row: Row of a folder or a manifest.
            root: Folder or URI that its path is relative to.
            roots: Where the file may be; None for any place.
        """
        if "reason" in row:
            self.unusable.append((row["path"], row["reason"]))
        elif is_unlabelled(row["label"]):
            location = locate(root, row["path"])
            columns = picture_columns(row)
            self.pictures.append(
                UnlabelledPicture(location, row["path"], row["domain"], roots, columns)
            )
        else:
            self.num_labelled += 1
            self.labelled.append((locate(root, row["path"]), roots))


def find_unlabelled(data: Path, domain: str | None) -> FoundPictures:
    """Find the unlabelled pictures of a folder or a manifest.

    Unlabelled are pictures directly in the folder of a domain, in `_unlabelled` or in `_to_label`
    below it, and the rows of a manifest with one of these names as the label. All others have the
    class that their folder or their row names.

    Args:
        data: Path of the folder or the manifest.
        domain: Domain of all pictures of a folder without folders of domains; None where they
            have them.

    Raises:
        InputError: The folder, its sidecar or the manifest cannot be read, or the domain is
            unclear.
    """
    found = FoundPictures()
    root = Path(os.path.realpath(data))
    if is_manifest(str(data)):
        if domain is not None:
            raise InputError(f"manifest {data} names the domains. Leave --domain out.")
        for row in read_usable_manifest(str(root), further_columns(root)):
            found.add(row, str(root.parent))
        return found
    if not os.path.isdir(root):  # noqa: PTH112 (Path.is_dir raises where it may not look)
        raise InputError(f"--data {data} is no folder and no manifest. Give one that exists.")
    loose = _add_folder(found, root, domain)
    if loose:
        raise InputError(
            f"--data {data}: files such as {loose[0]} are in no folder of a domain "
            f"({len(loose):,} in all). Move them to one, or give --domain NAME for all pictures."
        )
    return found


def _add_folder(found: FoundPictures, root: Path, domain: str | None) -> list[str]:
    """Add the files of a folder; return the paths of the pictures whose domain is unclear."""
    layout = DOMAIN_CLASS if domain is None else Layout((CLASS,), domain)
    misplaced = f"not in {layout.text}"
    loose = []
    sidecar = Sidecar(root, slices=further_columns(root / SIDECAR))
    rows, selections = without_selections(list_folder(root, layout))
    found.notes += [f"Folder {name} is left out: this command wrote it." for name in selections]
    for row in rows:
        if row["path"] == READY:
            continue
        if row.get("reason") == misplaced:
            path = Path(row["path"])
            placed = layout.place(path.parent / UNLABELLED / path.name)
            if placed.reason == misplaced and path.suffix.lower() in PICTURE_SUFFIXES:
                loose.append(row["path"])
            row["domain"], row["label"] = placed.domain, placed.label
            if placed.reason:
                row["reason"] = placed.reason
            else:
                del row["reason"]
        _complete(row, sidecar)
        found.add(row, str(root))
    sidecar.check_complete()
    return loose


def _complete(row: ListingRow, sidecar: Sidecar) -> None:
    """Add the columns of the sidecar, which may name a label that the folders do not."""
    domain, label = row["domain"], row["label"]
    row["domain"], row["label"] = domain or FROM_FOLDERS, FROM_FOLDERS
    sidecar.complete(row)
    row["label"] = label
    if not domain:
        row["domain"] = domain

"""List the pictures of a folder that are to get labels."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.inputs.file_status import modified_time
from pipeline.inputs.folder import list_folder
from pipeline.inputs.layouts.layout import DOMAIN_CLASS
from pipeline.inputs.layouts.unlabelled_names import TO_LABEL, is_unlabelled
from pipeline.inputs.picture_columns import further_columns, picture_columns
from pipeline.inputs.sidecar import FROM_FOLDERS, SIDECAR, Sidecar
from pipeline.picture_selection.selection_folders import without_selections
from pipeline.retraining.deliveries.inbox import READY
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import ListingRow

#: Reason of a picture that is in no folder, where no option names the domain.
NO_DOMAIN = "not in the folder of a domain"

#: Reason of a folder with copies of pictures.
SELECTION = "`carryover select` wrote it; label it by itself"


@dataclass(frozen=True)
class ListedPicture:
    """A picture of the folder.

    Attributes:
        id: Id of the picture, a digest of its path.
        path: Path relative to the folder; bytes that are not UTF-8 are surrogate escapes.
        domain: Name of the domain.
        domain_folder: Folder of the domain in a batch; another name where no folder can have that
            of the domain.
        label: Class that its folder names; "" for a picture without a label.
        inner: Path below the folder of the class.
        size: Size of the file in bytes.
        modified: Time of the last change in ns since the epoch.
        columns: What the sidecar says of it: group, split and further columns by name.
    """

    id: str
    path: str
    domain: str
    domain_folder: str
    label: str
    inner: str
    size: int
    modified: int
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_chosen(self) -> bool:
        """Whether a program chose it to be labelled: it is in a folder `_to_label`."""
        return TO_LABEL in PurePosixPath(self.path).parts[:-1]


@dataclass(frozen=True)
class PictureList:
    """The pictures of a folder.

    Attributes:
        pictures: Pictures by id, in the order of domains. In a domain those of `_to_label` come
            first, then the others without a label, both in the order of their ids, and last those
            in the folder of a class, in the order of their paths.
        left_out: Reason why a file cannot be labelled, by its path relative to the folder.
    """

    pictures: dict[str, ListedPicture]
    left_out: dict[str, str]


def list_pictures(folder: Path, domain: str | None = None) -> PictureList:
    """List the pictures of a folder, without reading them.

    A folder holds `<domain>/_to_label/<picture>`, `<domain>/_unlabelled/<picture>`,
    `<domain>/<class>/<picture>` or `<domain>/<picture>`.

    Args:
        folder: Resolved path of the folder.
        domain: Domain of all pictures, where no folder names it: then the first level of folders is
            that of the classes.

    Raises:
        InputError: The folder does not exist, has no pictures, or does not fit to `domain`; or its
            sidecar is malformed or names another domain than the folders.
        UnavailableError: A folder is unreadable.
    """
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}. Give a folder that you can read.") from None
    if not is_folder:
        raise InputError(f"{folder} is not a folder. Give the folder of the pictures to label.")
    sidecar = Sidecar(folder, slices=further_columns(folder / SIDECAR))
    pictures: list[ListedPicture] = []
    rows, selections = without_selections(list_folder(folder))
    left_out = dict.fromkeys(selections, SELECTION)
    for row in rows:
        path = PurePosixPath(row["path"])
        if row["path"] == READY:
            continue
        parts = (domain, *path.parts) if domain else path.parts
        _check_levels(folder, parts, domain)
        reason = _find_reason(row, path, parts)
        if reason:
            left_out[row["path"]] = reason
            continue
        # The sidecar may name a label that the folders do not.
        row["domain"], row["label"] = parts[0], FROM_FOLDERS
        sidecar.complete(row)
        pictures.append(_listed(row, parts))
    sidecar.check_complete()
    if not pictures:
        raise InputError(_describe_empty(folder, left_out, selections))
    pictures.sort(key=_order)
    return PictureList({one.id: one for one in pictures}, left_out)


def picture_id(path: str) -> str:
    """Return the id of a picture, a digest of its path relative to the folder."""
    return hashlib.blake2b(os.fsencode(path), digest_size=8).hexdigest()


def is_unchanged(folder: Path, picture: ListedPicture) -> bool:
    """Return whether the file of a picture is the one that was listed, by its size and time.

    Args:
        folder: Folder of the pictures.
        picture: Picture of the list.
    """
    try:
        status = (folder / picture.path).stat()
    except OSError:
        return False
    return (status.st_size, modified_time(status)) == (picture.size, picture.modified)


def _order(picture: ListedPicture) -> tuple[str, bool, bool, str]:
    """Return the key by which pictures are sorted.

    Who labels only some of the pictures begins at the first. In the order of names, these would
    often be of one class, and no fair sample. That of the ids has nothing to do with what pictures
    show, and is the same at every start. Whoever looks through labels wants a class as a whole.
    """
    inner = picture.path if picture.label else picture.id
    return picture.domain, not picture.is_chosen, bool(picture.label), inner


def _find_reason(row: ListingRow, path: PurePosixPath, parts: tuple[str, ...]) -> str | None:
    """Return why a file cannot be labelled; None for one that can.

    Args:
        row: Row of the file in the listing of the folder.
        path: Path of the file, relative to the folder.
        parts: Domain and levels below it.
    """
    if len(parts) < 2:
        return NO_DOMAIN
    reason = row.get("reason")
    # A picture without the folder of a class is what is wanted here.
    if reason and reason != DOMAIN_CLASS.place(path).reason:
        return reason
    return DOMAIN_CLASS.place_folder((parts[0], parts[1] if len(parts) > 2 else "")).reason


def _listed(row: ListingRow, parts: tuple[str, ...]) -> ListedPicture:
    domain_folder, *folders = parts
    has_class = len(folders) > 1
    label = folders[0] if has_class and not is_unlabelled(folders[0]) else ""
    return ListedPicture(
        id=picture_id(row["path"]),
        path=row["path"],
        domain=row["domain"],
        domain_folder=domain_folder,
        label=label,
        inner="/".join(folders[1:] if has_class else folders),
        size=row["bytes"],
        modified=row["modified"],
        columns=picture_columns(row),
    )


def _check_levels(folder: Path, parts: tuple[str, ...], domain: str | None) -> None:
    """Refuse a folder whose levels mean something else than the options say.

    Raises:
        InputError: It is that of one domain, or the domain is named by a level and by the option.
    """
    if is_unlabelled(parts[0]) and not domain:
        raise InputError(
            f"{folder} holds {parts[0]}, so it is the folder of one domain. Give the folder above "
            "it, or name the domain with --domain NAME."
        )
    if domain and len(parts) > 3 and is_unlabelled(parts[2]):
        raise InputError(
            f"{folder} holds {'/'.join(parts[1:3])}: its folders name the domains. "
            "Leave --domain out."
        )


def _describe_empty(folder: Path, left_out: dict[str, str], selections: list[str]) -> str:
    if NO_DOMAIN in left_out.values():
        return (
            f"the pictures of {folder} are in no folder of a domain. Name their domain with "
            "--domain NAME."
        )
    if selections:
        return (
            f"folder {folder} holds no pictures to label besides those that `carryover select` has "
            f"copied. Give their folder: {folder / selections[0]}"
        )
    return (
        f"folder {folder} holds no pictures to label. Put them into <domain>/_unlabelled/, or give "
        "another folder."
    )

"""Pictures whose label was delivered already: nobody is asked for it again."""

import os
import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.inputs.folder import list_folder
from pipeline.inputs.layouts.unlabelled_names import is_unlabelled
from pipeline.labelling.picture_list import ListedPicture, picture_id
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.inbox import READY
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.unlabelled.counting_labels import batches_that_count
from pipeline.retraining.unlabelled.label_conflicts import agreed
from pipeline.retraining.unlabelled.labels_since import readable_rows
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.file_digest import file_digest
from trainer_module.contract.printable_names import printable_name


class _LabelledFile(NamedTuple):
    """A file with a label in a batch. Its digest is "" where it is not known yet."""

    path: str
    digest: str
    batch: str
    domain: str
    label: str


def find_delivered(
    pictures: Mapping[str, ListedPicture],
    folder: Path,
    workspace: Path,
    output: Path,
    entries: Iterable[Mapping[str, Any]],
) -> set[str]:
    """Return the ids of the pictures whose content a batch has with a label.

    Batches that the output would replace do not count, nor do held, failed and rolled-back ones. A
    picture to which batches give different labels has none, see `label_conflicts.agreed`. Of an
    inbox, folders that were not taken yet are looked at, too. A picture in the folder of a class
    has a label, and is shown so that it can be corrected; and so is one that the journal tells of.

    Args:
        pictures: Pictures by id.
        folder: Folder of the pictures.
        workspace: Folder of the workspace, whose batches are looked at.
        output: Folder of the batch that will be written.
        entries: Entries of the journal of that batch.

    Raises:
        InputError: No picture is left to label.
    """
    decided = {picture_id(str(entry["path"])) for entry in entries if "path" in entry}
    delivered = _delivered_pictures(pictures, folder, workspace, output) - decided
    if delivered == pictures.keys():
        raise InputError(
            f"all pictures of {folder} were delivered with a label. To change labels, remove "
            "their batch from the inbox, and give its path as --output."
        )
    return delivered


def describe_delivered(count: int) -> list[str]:
    """Return a line that says how many pictures are left out; none where there are none.

    Args:
        count: Number of pictures.
    """
    pictures = "picture that has" if count == 1 else "pictures that have"
    return [f"Left out: {count:,} {pictures} a label in a delivered batch."] if count else []


def _delivered_pictures(
    pictures: Mapping[str, ListedPicture], folder: Path, workspace: Path, output: Path
) -> set[str]:
    name = printable_name(output.name)
    batches = read_batches(workspace)
    files = list(_stored_files(batches_that_count(batches, workspace), workspace))
    if any(posixpath.dirname(one.source) == printable_name(str(output.parent)) for one in batches):
        files += _files_not_taken(output.parent, {one.name for one in batches} | {name})
    sizes = {_size(one.path) for one in files}
    candidates = [
        one
        for one in pictures.values()
        # The copies of a batch may have been removed: then any file may be one of its pictures.
        if not one.label and (one.size in sizes or None in sizes)
    ]
    if not candidates:
        return set()
    given: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    delivered, wanted = set(), {one.size for one in candidates}
    for one in files:
        if not one.digest and _size(one.path) not in wanted:
            continue  # no picture has its content
        digest = one.digest or _digest(one.path)
        given[digest].add((one.batch, one.domain, one.label))
        if one.batch != name:
            delivered.add(digest)
    has_label = {
        digest
        for digest in delivered - {""}
        if agreed((domain, label) for _, domain, label in given[digest])
    }
    return {one.id for one in candidates if _digest(str(folder / one.path)) in has_label}


def _stored_files(batches: Iterable[Batch], workspace: Path) -> Iterator[_LabelledFile]:
    """Yield the files with a label of batches in the workspace, with their digests."""
    store = BatchStore(Workspace(workspace).batches)
    for batch in batches:
        for row in readable_rows(batch, store):
            if row["label"] and "reason" not in row:
                path = str(workspace / row["path"])
                yield _LabelledFile(path, row["sha256"], batch.name, row["domain"], row["label"])


def _files_not_taken(inbox: Path, taken: Collection[str]) -> Iterator[_LabelledFile]:
    """Yield the files with a label of complete folders in an inbox that no pass has taken yet."""
    for path in inbox.glob("[!.]*"):
        name = printable_name(path.name)
        if name in taken or not (path / READY).is_file():
            continue
        try:
            rows = list_folder(path)
        except (OSError, UnavailableError):
            continue  # the pass says what is wrong with it
        for row in rows:
            if "reason" not in row and not is_unlabelled(row["label"]):
                file = str(path / row["path"])
                yield _LabelledFile(file, "", name, row["domain"], row["label"])


def _size(path: str) -> int | None:
    """Return the size of a file; None if it is gone."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 (names may not be UTF-8)
    except OSError:
        return None


def _digest(path: str) -> str:
    """Return the SHA-256 of a file, in hex; "" if it cannot be read."""
    try:
        return file_digest(Path(path))
    except OSError:
        return ""

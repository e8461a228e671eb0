"""The files that decisions are about, as the journal names them."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.labelling.picture_list import ListedPicture, is_unchanged, picture_id
from trainer_module.contract.file_digest import file_digest


class DecidedFiles:
    """Finds the pictures of the entries of a journal.

    A folder may be written again while its pictures are labelled, as when a batch gets further
    pictures: the copies are new files then, and may have other names. Their content tells which
    pictures they are.
    """

    def __init__(self, folder: Path, pictures: Mapping[str, ListedPicture]) -> None:
        """Name the pictures.

        Args:
            folder: Folder of the pictures.
            pictures: Pictures by id.
        """
        self._folder = folder
        self._pictures = pictures
        self._digests: dict[str, str] = {}

    def describe(self, picture: ListedPicture) -> dict[str, Any]:
        """Return what an entry says of the file of a picture, as JSON-ready values.

        Args:
            picture: One of the pictures.

        Returns:
            Path, size and time; and the SHA-256, unless the file was changed since it was listed.
        """
        entry = {"path": picture.path, "bytes": picture.size, "modified": picture.modified}
        digest = self._digest(picture)
        is_known = digest and is_unchanged(self._folder, picture)
        return entry | {"sha256": digest} if is_known else entry

    def of_path(self, entry: Mapping[str, Any]) -> ListedPicture | None:
        """Return the picture at the path of an entry; None if its content may be another one.

        Args:
            entry: Entry of the journal.
        """
        listed = self._pictures.get(picture_id(str(entry.get("path"))))
        if listed is None or listed.size != entry.get("bytes"):
            return None
        is_same = listed.modified == entry.get("modified") or self._has_content(listed, entry)
        return listed if is_same else None

    def of_content(self, entry: Mapping[str, Any]) -> list[ListedPicture]:
        """Return the pictures with the content of an entry that have no label by their folder.

        Args:
            entry: Entry of the journal.
        """
        if "sha256" not in entry:  # an older carryover has written it
            return []
        same_size = self._by_size.get(entry.get("bytes"), [])
        return [one for one in same_size if not one.label and self._has_content(one, entry)]

    @cached_property
    def _by_size(self) -> dict[Any, list[ListedPicture]]:
        by_size = defaultdict(list)
        for one in self._pictures.values():
            by_size[one.size].append(one)
        return by_size

    def _has_content(self, picture: ListedPicture, entry: Mapping[str, Any]) -> bool:
        return "sha256" in entry and self._digest(picture) == entry["sha256"]

    def _digest(self, picture: ListedPicture) -> str:
        """Return the SHA-256 of a file, in hex; "" if it cannot be read."""
        if picture.id not in self._digests:
            try:
                self._digests[picture.id] = file_digest(self._folder / picture.path)
            except OSError:
                return ""
        return self._digests[picture.id]


def undo_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of the journal that takes back a decision.

    Args:
        entry: Entry of the decision.
    """
    return {"undo": entry["path"], **_status(entry)}


def take_back(decisions: list[dict[str, Any]], undo: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Remove the decision that an entry of the journal takes back, and return it, if it is there.

    Args:
        decisions: Entries of the decisions so far.
        undo: The entry. It names the file; one from before that holds True, for the last decision.
    """
    names = {"path": undo["undo"], **_status(undo)}
    for index in reversed(range(len(decisions))):
        of_file = {name: decisions[index].get(name) for name in names}
        if undo["undo"] is True or of_file == names:
            return [decisions.pop(index)]
    return []


def _status(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"bytes": entry.get("bytes"), "modified": entry.get("modified")}

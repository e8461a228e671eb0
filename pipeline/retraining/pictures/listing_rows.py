"""Rows of a retraining's listing, with splits and groups that agree with the serving version."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.image_example_gen.splits import name_digest, name_digests
from components.pusher.data_set import DataSetRow
from pipeline.inputs.file_status import add_file_status
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.known_pictures import (
    KnownPictures,
    most_held_out,
    stem_of,
)
from pipeline.retraining.pictures.picture_updates import PictureUpdate
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.listing_row import ListingRow
from trainer_module.contract.locations import is_uri, locate


@dataclass(frozen=True)
class ListingRows:
    """Makes the rows of one listing, and notes where given splits contradict known ones.

    Attributes:
        known: Pictures of the serving version.
        root: Folder of the workspace.
        folds: Folds of the pictures that were cross-fitted for the serving version, by the digests
            of their files.
        by_stem: Whether pictures of one stem share a split: by the configuration, or because the
            serving version's do.
        slices: Values of slices of known pictures by content, as far as the serving version has
            them.
        overridden: Names of new pictures whose given split is not that of their known group, each
            with both splits.
    """

    known: KnownPictures
    root: Path
    folds: Mapping[bytes, int]
    by_stem: bool
    slices: Mapping[bytes, dict[str, str]] = field(default_factory=dict)
    overridden: list[tuple[str, str, str]] = field(default_factory=list)

    def of_known(self, rows: Iterable[DataSetRow]) -> list[ListingRow]:
        """Return the rows of known pictures, which keep their split, their group and their fold."""
        return [self._with_fold(self._of_known(row), row) for row in rows]

    def of_updates(self, updates: Iterable[PictureUpdate]) -> list[ListingRow]:
        """Return the rows of updated pictures; their split stays, and their group if none is named.

        A `split` that the delivery names is not followed.
        """
        listed = []
        for update in updates:
            for row in update.rows:
                if row.get("split", update.split) != update.split:
                    self.overridden.append((row["name"], row["split"], update.split))
                listed.append(self._with_fold(self._of_update(row, update), update.known[0]))
        return listed

    def of_new(self, rows: Iterable[BatchRow], listed: list[ListingRow]) -> list[ListingRow]:
        """Return the rows of new pictures; one whose group is known gets the split of its group.

        Args:
            rows: Rows of batches: labelled, or unusable.
            listed: Rows of updates, whose groups are known too.
        """
        splits = self.known.group_splits(self.by_stem)
        add_groups(splits, listed)
        return [self._of_new(row, splits) for row in rows]

    def of_listing(self, rows: Iterable[ListingRow]) -> list[ListingRow]:
        """Return the rows of an earlier listing; files of known pictures are looked up again."""
        listed = []
        for row in rows:
            found = row.copy()
            if row.get("known"):
                found.pop("reason", None)
                found = self._with_file_status(found)
            listed.append(found)
        return listed

    def _of_known(self, row: DataSetRow) -> ListingRow:
        listed = _unread_row(os.fsdecode(row["location"]), row)
        listed["split"], listed["known"] = row["split"], True
        if slices := self.slices.get(row["content"]):
            listed["slices"] = slices
        self._keep_group(listed, [row])
        return self._with_file_status(listed)

    def _of_update(self, row: BatchRow, update: PictureUpdate) -> ListingRow:
        listed = _unread_row(row["path"], row)
        listed["split"], listed["known"] = update.split, True
        known = self.slices.get(update.known[0]["content"], {})
        if slices := known | row.get("slices", {}):
            listed["slices"] = slices
        if "group" in row:
            listed["group"] = row["group"]
        else:
            self._keep_group(listed, update.known)
        return self._with_file_status(listed)

    def _keep_group(self, listed: ListingRow, known: list[DataSetRow]) -> None:
        """Set the group of a known picture; a picture that is alone in its group needs none."""
        groups = {row["group"] for row in known} - {None, known[0]["content"]}
        if groups:
            listed["group_digest"] = max(group for group in groups if group).hex()
        elif self.by_stem:
            listed["group"] = self.known.stem(known[0])

    def _of_new(self, row: BatchRow, splits: Mapping[bytes, set[str]]) -> ListingRow:
        group = self.group(row)
        digest = known_digest(group, splits)
        listed = self._listed(row, group, digest)
        if digest is not None:
            split = most_held_out(splits[digest])
            if row.get("split", split) != split:
                self.overridden.append((row["name"], row["split"], split))
            listed["split"] = split
        return listed

    def group(self, row: BatchRow) -> str | None:
        """Return the name of the group of a new picture; None if it has none."""
        if "group" in row:
            return row["group"]
        return stem_of(row["name"]) if self.by_stem else None  # the copy has another name

    def _listed(self, row: BatchRow, group: str | None, digest: bytes | None) -> ListingRow:
        listed = _unread_row(row["path"], row)
        if "split" in row:
            listed["split"] = row["split"]
        if "slices" in row:
            listed["slices"] = row["slices"]
        if "reason" in row:
            listed["reason"] = row["reason"]
        if group is not None and digest in (None, name_digest(group)):
            listed["group"] = group
        elif digest is not None:  # the serving version knows the group in another spelling
            listed["group_digest"] = digest.hex()
        return self._with_file_status(listed)

    def _with_fold(self, listed: ListingRow, known: DataSetRow) -> ListingRow:
        """Add the fold of a picture that was cross-fitted for the serving version."""
        if known["content"] in self.folds and listed["split"] != "test":
            listed["fold"] = self.folds[known["content"]]
        return listed

    def _with_file_status(self, row: ListingRow) -> ListingRow:
        """Add size and time of the file, or the reason why it is unusable; return the row."""
        # A remote file is not looked up: the run reads it, and rejects it where that fails.
        if not is_uri(row["path"]) and "reason" not in row:
            add_file_status(row, locate(str(self.root), row["path"]))
        return row


def _unread_row(path: str, row: DataSetRow | BatchRow) -> ListingRow:
    """Return a row with a path, and the domain and the class of another row."""
    return ListingRow(path=path, domain=row["domain"], label=row["label"], bytes=0, modified=0)


def known_digest(group: str | None, splits: Mapping[bytes, set[str]]) -> bytes | None:
    """Return the digest under which a group has a split; None for a new group, or for none."""
    digests = [] if group is None else name_digests(group)
    known = [digest for digest in digests if digest in splits]
    return max(known, key=lambda one: SPLITS.index(most_held_out(splits[one])), default=None)


def add_groups(splits: dict[bytes, set[str]], rows: Iterable[ListingRow]) -> None:
    """Add the splits of named groups to the splits by group, in place.

    Args:
        splits: Splits by digest of the group.
        rows: Rows of a listing.
    """
    for row in rows:
        if "group" in row and "split" in row:
            splits.setdefault(name_digest(row["group"]), set()).add(row["split"])

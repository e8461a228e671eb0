"""What batches say of pictures: the newest delivery of a picture wins."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from components.image_example_gen.splits import name_digest
from components.pusher.data_set import DataSetRow
from pipeline.retraining.deliveries.batch_store import BatchRow
from pipeline.retraining.pictures.known_pictures import (
    batch_folder,
    most_held_out,
)
from trainer_module.contract.listing_row import DIGEST_BYTES

#: What a delivery may change of a known picture. Its split stays.
Change: TypeAlias = Literal["label", "domain", "group", "slices"]


@dataclass(frozen=True)
class DeliveredBatch:
    """A batch whose pictures may be trained on.

    Attributes:
        number: Number in the ledger; a newer delivery has a higher one.
        rows: Rows of the batch.
    """

    number: int
    rows: list[BatchRow]


@dataclass(frozen=True)
class PictureUpdate:
    """A known picture that a newer delivery holds.

    Attributes:
        number: Number of the batch.
        rows: Rows of the delivery, with labels. More than one if the batch holds copies.
        known: Rows of the data set, which the rows replace.
        changes: What the delivery changes; empty if it only takes the place of an earlier one.
        known_slices: Values of slices that are kept with the serving version.
    """

    number: int
    rows: list[BatchRow]
    known: list[DataSetRow]
    changes: frozenset[Change]
    known_slices: Mapping[str, str] = field(default_factory=dict)

    @property
    def split(self) -> str:
        """Split of the picture, which an update never changes."""
        return most_held_out(row["split"] for row in self.known)


@dataclass(frozen=True)
class NewestRows:
    """The rows of several batches, without those that a newer delivery or the version covers.

    Attributes:
        new: Rows whose content the serving version does not know, and unusable rows, by batch.
        updates: Known pictures that a delivery changes or replaces, by content.
        contents: Contents of all usable rows.
    """

    new: dict[int, list[BatchRow]]
    updates: dict[bytes, PictureUpdate]
    contents: set[bytes]


def newest_rows(
    batches: Iterable[DeliveredBatch],
    known: Mapping[bytes, list[DataSetRow]],
    numbers: Mapping[bytes, int],
    replaced: set[bytes],
    finished: Iterable[DeliveredBatch] = (),
    slices: Mapping[bytes, Mapping[str, str]] = MappingProxyType({}),
) -> NewestRows:
    """Return what the newest delivery of every picture says.

    A delivery that has no label, no group or no values of slices for a picture says nothing of it:
    then an earlier delivery or the serving version does.

    Args:
        batches: Batches in any order.
        known: Rows of the data set of the serving version, by content.
        numbers: Number of the batch by its folder, for batches that known pictures are from.
        replaced: Folders of batches that a later delivery replaces.
        finished: Batches that are in training or duplicates. They take back what earlier batches
            say of their pictures, and add nothing.
        slices: Values of slices of the pictures that the serving version was tested on, by content.
    """
    batches = list(batches)
    new: dict[int, list[BatchRow]] = {batch.number: [] for batch in batches}
    newest: dict[bytes, DeliveredBatch] = {}
    for batch in sorted([*batches, *finished], key=lambda batch: batch.number):
        is_finished = batch.number not in new
        for content, rows in _by_content(batch.rows).items():
            earlier = newest.get(content)
            if is_finished and earlier:
                newest[content] = replace(earlier, rows=_taken_back(earlier.rows, rows))
            elif not is_finished:
                completed = _completed(rows, earlier.rows if earlier else [])
                newest[content] = DeliveredBatch(batch.number, completed)
        if not is_finished:
            new[batch.number] += [row for row in batch.rows if not is_usable(row)]
    updates = {}
    for content, delivered in newest.items():
        if content not in known:
            new[delivered.number] += delivered.rows
        elif update := _compare(delivered, known[content], numbers, replaced, slices.get(content)):
            updates[content] = update
    return NewestRows(new, updates, set(newest))


def is_usable(row: BatchRow) -> bool:
    """Return whether the file of a row was read."""
    return "reason" not in row and bool(row["sha256"])


def content_of(row: BatchRow) -> bytes:
    """Return the digest of the file of a usable row, as data sets have it."""
    return bytes.fromhex(row["sha256"])[:DIGEST_BYTES]


def group_of(row: BatchRow) -> bytes | None:
    """Return the digest of the group that a row names; None if it names none."""
    return name_digest(row["group"]) if "group" in row else None


def _by_content(rows: list[BatchRow]) -> dict[bytes, list[BatchRow]]:
    by_content: dict[bytes, list[BatchRow]] = defaultdict(list)
    for row in rows:
        if is_usable(row):
            by_content[content_of(row)].append(row)
    return by_content


def _completed(rows: list[BatchRow], earlier: list[BatchRow]) -> list[BatchRow]:
    """Return the rows of a picture with label, group and slices of earlier rows where it has none.

    Copies without a label are left out where another copy of the same delivery has one.
    """
    rows = [row for row in rows if row["label"]] or _labelled(
        rows, (row["label"] for row in earlier if row["label"])
    )
    slices = [row["slices"] for row in earlier if "slices" in row]
    if slices:
        rows = [row | {"slices": slices[0] | row.get("slices", {})} for row in rows]
    groups = [row["group"] for row in earlier if "group" in row]
    if groups and not any("group" in row for row in rows):
        rows = [row | {"group": groups[0]} for row in rows]
    return rows


def _taken_back(rows: list[BatchRow], later: list[BatchRow]) -> list[BatchRow]:
    """Return the rows of a picture with what later rows say of it.

    A later delivery without a label says nothing of the domain.
    """
    labelled = [
        _with_columns(rows[0] | {"label": row["label"], "domain": row["domain"]}, row)
        for row in later
        if row["label"]
    ]
    return labelled or [_with_columns(row, later[0]) for row in rows]


def _with_columns(row: BatchRow, later: BatchRow) -> BatchRow:
    """Return a row with the group and the values of slices that a later row has."""
    if "group" in later:
        row = row | {"group": later["group"]}
    if "slices" in later:
        row = row | {"slices": row.get("slices", {}) | later["slices"]}
    return row


def _labelled(rows: list[BatchRow], labels: Iterable[str]) -> list[BatchRow]:
    """Return rows without a label with each of the labels; unchanged if there are none."""
    different = sorted(set(labels))
    return [row | {"label": label} for row in rows for label in different] or rows


def _compare(
    delivered: DeliveredBatch,
    known: list[DataSetRow],
    numbers: Mapping[bytes, int],
    replaced: set[bytes],
    slices: Mapping[str, str] | None,
) -> PictureUpdate | None:
    """Return what a delivery changes of a known picture; None if it changes nothing.

    Args:
        delivered: Delivery of the picture.
        known: Rows of the data set of the serving version.
        numbers: See `newest_rows`.
        replaced: See `newest_rows`.
        slices: Values of slices that are kept with the serving version; None for a picture that it
            was not tested on. Nobody needs the values of such a picture.
    """
    folders = {batch_folder(row["location"]) for row in known}
    if max(numbers.get(folder, 0) for folder in folders) >= delivered.number:
        return None  # the version has learnt of a newer delivery already
    rows = delivered.rows
    if not rows[0]["label"]:
        rows = _labelled(rows, (row["label"] for row in known))
    labels, domains = {row["label"] for row in rows}, {row["domain"] for row in rows}
    groups = {group for row in rows if (group := group_of(row)) is not None}
    changes: set[Change] = set()
    if labels != {row["label"] for row in known}:
        changes.add("label")
    if not domains <= {row["domain"] for row in known}:
        changes.add("domain")
    if not groups <= {row["group"] for row in known}:
        changes.add("group")
    if slices is not None and any(
        not row.get("slices", {}).items() <= slices.items() for row in rows
    ):
        changes.add("slices")
    if not changes and not folders & replaced:
        return None
    if "domain" not in changes:  # copies of the picture in other domains stay there
        others = sorted({row["domain"] for row in known} - domains)
        rows = rows + [row | {"domain": domain} for domain in others for row in rows[:1]]
    return PictureUpdate(delivered.number, rows, known, frozenset(changes), slices or {})

"""Which batches a later delivery of the same name has replaced, as far as it counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from components.pusher.data_set import DataSetRow
from components.pusher.version_store import VersionStore
from pipeline.retraining.batch import KEPT, OPEN, WITHOUT_PICTURES, Batch
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from pipeline.retraining.pictures.known_pictures import KnownPictures, batch_folder
from pipeline.retraining.pictures.picture_updates import DeliveredBatch, content_of, is_usable
from pipeline.retraining.unlabelled.labels_since import readable_rows


def replaced_batches(batches: Iterable[Batch], current: int, versions: VersionStore) -> list[Batch]:
    """Return the batches whose pictures a later delivery replaces.

    A later delivery counts if it is the current batch, if its pictures wait for a training, or if a
    version was pushed for it that was not rolled back. One that was held, rejected or failed
    replaces nothing: the pictures of the earlier one are still what the serving version was made
    from.

    Args:
        batches: All batches of the ledger.
        current: Number of the batch that is processed.
        versions: Versions of the model.
    """
    by_number = {batch.number: batch for batch in batches}

    def counts(batch: Batch) -> bool:
        if batch.number == current or batch.state in KEPT:
            return True
        version = batch.version
        return version is not None and not versions.is_rolled_back(version)

    def is_replaced(batch: Batch) -> bool:
        later = by_number.get(batch.replaced_by) if batch.replaced_by is not None else None
        while later is not None:
            if counts(later):
                return True
            later = by_number.get(later.replaced_by) if later.replaced_by is not None else None
        return False

    replaced = [batch for batch in by_number.values() if is_replaced(batch)]
    # The same pictures can be delivered again, after a rejection or a rollback for example.
    digests = {
        batch.digest
        for batch in by_number.values()
        if counts(batch) and batch not in replaced and batch.state not in WITHOUT_PICTURES
    }
    return [batch for batch in replaced if batch.digest not in digests]


def labels_that_count(
    batches: Iterable[Batch], replaced: list[Batch], store: BatchStore, versions: VersionStore
) -> Iterator[tuple[str, list[BatchRow]]]:
    """Yield the names and the rows of the batches whose labels are compared with each other.

    Batches that are not processed yet count, too: which of two comes first is chance. So do those
    that a version was trained on: it was not trained on pictures whose labels others contradicted.
    A batch that another one replaces does not, also where that one is a duplicate.

    Args:
        batches: All batches of the ledger.
        replaced: Replaced batches, see `replaced_batches`.
        store: Store of the batches.
        versions: Versions of the model.
    """
    batches = list(batches)
    duplicates = {one.number for one in batches if one.state == "duplicate"}
    for one in batches:
        is_replaced = one in replaced or one.replaced_by in duplicates
        is_trained = one.version is not None and not versions.is_rolled_back(one.version)
        if (is_trained or one.state in (*KEPT, OPEN)) and not is_replaced:
            yield one.name, readable_rows(one, store)


def batch_location(batch: Batch) -> bytes:
    """Return the folder of a batch, as it begins locations in a data set."""
    return f"batches/{batch.digest}".encode()


def stored_rows(batch: Batch, store: BatchStore) -> list[BatchRow]:
    """Return the rows of a batch; none if its copy was deleted."""
    return store.read(batch.digest) if store.contains(batch.digest) else []


@dataclass(frozen=True)
class OmittedPictures:
    """Pictures of replaced batches that no other batch holds.

    Attributes:
        known: Those that the serving version was made from.
        count: Number of pictures that the current batch omits of those it replaces.
    """

    known: list[DataSetRow]
    count: int


def find_omitted(
    known: KnownPictures,
    replaced: list[Batch],
    current: int,
    deliveries: list[DeliveredBatch],
    pushed: list[DeliveredBatch],
    store: BatchStore,
) -> OmittedPictures:
    """Return the pictures that are in no training any more because of a later delivery.

    A picture whose file the later delivery holds under the same name, but unusable, is not omitted.

    Args:
        known: Pictures of the serving version.
        replaced: Replaced batches.
        current: Number of the batch that is processed.
        deliveries: The current batch, and the batches whose pictures wait for a training.
        pushed: Other batches that versions were pushed for.
        store: Store of the batches.
    """
    held = [row for delivery in deliveries + pushed for row in delivery.rows]
    contents = {content_of(row) for row in held if is_usable(row)}
    unusable = {row["name"] for row in held if not is_usable(row)}
    folders = {batch_location(batch) for batch in replaced}
    rows = [
        row
        for row in known.rows
        if batch_folder(row["location"]) in folders
        and row["content"] not in contents
        and known.names.get(row["location"]) not in unusable
    ]
    count = {
        content_of(row)
        for batch in replaced
        if batch.replaced_by == current and (batch.state in KEPT or batch.version is not None)
        for row in stored_rows(batch, store)
        if is_usable(row) and row["name"] not in unusable
    } - contents
    return OmittedPictures(rows, len(count))


def finished_batches(
    batches: list[Batch], oldest: int, versions: VersionStore, store: BatchStore
) -> list[DeliveredBatch]:
    """Return the batches after a number that are in training, or duplicates.

    Args:
        batches: Batches of the ledger.
        oldest: The number.
        versions: Versions of the model.
        store: Store of the batches.
    """
    return [
        DeliveredBatch(one.number, stored_rows(one, store))
        for one in batches
        if one.number > oldest
        if one.state == "duplicate"
        or (one.version is not None and not versions.is_rolled_back(one.version))
    ]

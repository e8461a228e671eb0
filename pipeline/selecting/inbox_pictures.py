"""Unlabelled pictures of an inbox, and of the batches that the workspace holds."""

from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.inputs.layouts.layout import LayoutOptions, batch_layout
from pipeline.inputs.picture_columns import picture_columns
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture
from pipeline.retraining.batch import Batch, has_pictures
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.delivered_rows import delivered_rows
from pipeline.retraining.deliveries.inbox import Delivery, configured_inbox, find_deliveries
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.unlabelled.counting_labels import batches_that_count
from pipeline.selecting.unlabelled_pictures import FoundPictures
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.listing_row import DIGEST_BYTES
from trainer_module.contract.printable_names import printable_name


def find_delivered(config: RunConfig, only: str | None = None) -> FoundPictures:
    """Find the unlabelled pictures of complete batches in an inbox, and of all batches taken.

    Batches that are incomplete or unreadable are named in the notes. Labels that are in no
    training, as those of a held batch, do not count. Nothing is written.

    Args:
        config: Config of the retraining, with its inbox.
        only: Name of the batch whose pictures are wanted; None for those of all. The labels of
            all are known.

    Raises:
        InputError: The inbox or the ledger is unreadable, or there is no batch of this name.
    """
    workspace = Workspace(config.workspace)
    batches = read_batches(workspace.root)
    found, others = FoundPictures(), FoundPictures()
    options = config.retrain
    inbox = configured_inbox(options)
    store = BatchStore(workspace.batches)
    deliveries = find_deliveries(inbox, options.quiet_seconds, options.allowed_roots)
    names = {delivery.name for delivery in deliveries} | {batch.name for batch in batches}
    if only is not None and only not in names:
        raise InputError(
            f"there is no batch {printable_name(only)} in {inbox} or the workspace. "
            f"Give --batch one of: {', '.join(map(printable_name, sorted(names))) or 'none'}."
        )
    for delivery in deliveries:
        wanted = found if only in (None, delivery.name) else others
        if not delivery.complete:
            wanted.notes.append(f"Batch {delivery.name} is left out: it is incomplete.")
            continue
        try:
            if not _is_taken(delivery, batches, store):
                _add_delivery(wanted, delivery, batch_layout(config), config.slice_columns)
        except (InputError, OSError) as error:
            wanted.notes.append(f"Batch {delivery.name} is left out: {error}")
    counting = {batch.number for batch in batches_that_count(batches, workspace.root)}
    for batch in batches:
        if has_pictures(batch) and batch.replaced_by is None and store.contains(batch.digest):
            wanted = found if only in (None, batch.name) else others
            _add_batch(wanted, batch, store, workspace, batch.number in counting)
    found.know_labels_of(others)
    return found


def known_contents(model: Path, found: FoundPictures) -> set[bytes]:
    """Return the digests of the files whose labels a version or a batch knows, 16 bytes each.

    A picture that a version was trained on without a label, as in self-training, is not known.

    Args:
        model: Folder of the version.
        found: Unlabelled pictures.

    Raises:
        UnavailableError: The version's list of pictures is unreadable.
    """
    from components.pusher.data_set import read_data_set

    table = read_data_set(model)
    if table is None:
        return set(found.labelled_contents)
    rows = zip(table["location"].to_pylist(), table["content"].to_pylist(), strict=True)
    return found.labelled_contents | {
        content for location, content in rows if location not in found.unlabelled_copies
    }


def _is_taken(delivery: Delivery, batches: list[Batch], store: BatchStore) -> bool:
    """Return whether the workspace holds the files of a delivery as they are."""
    newest = next((batch for batch in reversed(batches) if batch.name == delivery.name), None)
    if newest is None or not store.contains(newest.digest):
        return False
    stamp = delivery.stamp()
    return newest.stamp in (stamp, delivery.roots.stamp(stamp))


def _add_delivery(
    found: FoundPictures, delivery: Delivery, layout: LayoutOptions, slices: tuple[str, ...]
) -> None:
    """Add the pictures of a delivery that is not in the workspace."""
    delivery.check_place()
    rows, root, _ = delivered_rows(delivery, layout, slices)
    for row in rows:
        found.add(row, root, delivery.roots)


def _add_batch(
    found: FoundPictures, batch: Batch, store: BatchStore, workspace: Workspace, counts: bool
) -> None:
    """Add the pictures of a batch in the workspace, and its labels if they count."""
    for row in store.read(batch.digest):
        if "reason" in row:
            found.unusable.append((f"{batch.name}/{row['name']}", row["reason"]))
        elif row["label"]:
            found.num_labelled += 1
            if counts:
                found.labelled_contents.add(bytes.fromhex(row["sha256"])[:DIGEST_BYTES])
        else:
            location = str(workspace.root / row["path"])
            name = f"{batch.name}/{row['name']}"
            columns = picture_columns(row)
            found.pictures.append(UnlabelledPicture(location, name, row["domain"], columns=columns))
            found.unlabelled_copies.add(row["path"].encode("utf-8", "surrogateescape"))

"""Whether pictures of a batch came back with labels that decided something."""

from collections.abc import Container, Iterable
from pathlib import Path

from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError


def labels_since(batch: Batch, decided: Iterable[Batch], workspace: Path) -> Batch | None:
    """Return the first later batch that has labels of a batch's unlabelled pictures.

    Where the listing of a batch is gone or damaged, it counts as one without these pictures.

    Args:
        batch: Batch with pictures without a label.
        decided: Batches whose labels decided something, in the order of arrival; those before
            `batch` do not count.
        workspace: Folder of the workspace.

    Returns:
        None if there is no such batch.
    """
    later = [one for one in decided if one.number > batch.number]
    if not later:
        return None
    store = BatchStore(Workspace(workspace).batches)
    unlabelled = {row["sha256"] for row in readable_rows(batch, store) if not row["label"]} - {""}
    return next(
        (one for one in later if _has_labels_of(readable_rows(one, store), unlabelled)), None
    )


def _has_labels_of(rows: Iterable[BatchRow], digests: Container[str]) -> bool:
    return any(row["label"] and row["sha256"] in digests for row in rows)


def readable_rows(batch: Batch, store: BatchStore) -> list[BatchRow]:
    """Return the rows of a batch; none where its listing is gone or damaged.

    Args:
        batch: Batch of the ledger.
        store: Store of the batches.
    """
    try:
        return store.read(batch.digest)
    except UnavailableError:
        return []

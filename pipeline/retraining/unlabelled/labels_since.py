"""Whether pictures of a batch came back with labels, and were trained on."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchRow, BatchStore
from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError


def has_labels_since(batch: Batch, pushed: Iterable[Batch], workspace: Path) -> bool:
    """Return whether a later batch with labels of a batch's unlabelled pictures was pushed.

    Where the listing of a batch is gone or damaged, it counts as one without these pictures.

    Args:
        batch: Batch with pictures without a label.
        pushed: Batches for which a version was pushed; those before `batch` do not count.
        workspace: Folder of the workspace.
    """
    later = [one for one in pushed if one.number > batch.number]
    if not later:
        return False
    store = BatchStore(Workspace(workspace).batches)
    unlabelled = {row["sha256"] for row in readable_rows(batch, store) if not row["label"]} - {""}
    return any(
        row["label"] and row["sha256"] in unlabelled
        for one in later
        for row in readable_rows(one, store)
    )


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

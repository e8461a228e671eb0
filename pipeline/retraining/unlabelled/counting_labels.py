"""Batches whose labels count: whoever chooses or labels pictures leaves theirs out."""

from collections.abc import Collection
from pathlib import Path

from pipeline.retraining.batch import DROPPED, Batch, has_pictures
from pipeline.version_lookup import find_rollbacks


def batches_that_count(batches: Collection[Batch], workspace: Path) -> list[Batch]:
    """Return the batches whose labels count.

    Those of held, rejected, failed and rolled-back batches are in no training, and so are those of
    replaced ones: their pictures need labels again.

    Args:
        batches: Batches of the ledger.
        workspace: Folder of the workspace.
    """
    pushed = [(one.digest, one.version) for one in batches if one.state == "pushed"]
    rollbacks = find_rollbacks(workspace, pushed)
    return [
        one
        for one in batches
        if has_pictures(one) and one.state not in DROPPED and one.replaced_by is None
        if one.state != "pushed" or (one.digest, one.version) not in rollbacks
    ]

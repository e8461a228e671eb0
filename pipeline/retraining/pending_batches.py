"""What of a workspace the batches of its ledger still need, for the cleaning of the workspace."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.retention.kept_state import PendingBatches
from pipeline.retraining.batch import AWAITING, OPEN, Batch
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.ledger_table import MAX_STEPS


def read_pending(workspace: Path) -> PendingBatches:
    """Read the batches of a workspace on which something is still to be decided.

    Args:
        workspace: Folder of the workspace.

    Raises:
        InputError: The ledger is damaged, or a newer version of carryover has written it.
    """
    return find_pending(read_batches(workspace))


def find_pending(batches: Sequence[Batch]) -> PendingBatches:
    """Return the batches on which something is still to be decided.

    Of the rejected candidates, the newest count: those that `carryover history` names commands for.

    Args:
        batches: Batches in the order of arrival.
    """
    current = [batch for batch in batches if batch.replaced_by is None]
    awaiting = [batch for batch in current if batch.state == AWAITING]
    rejected = [batch for batch in current if batch.state == "rejected"][-MAX_STEPS:]
    # Labels that have arrived open a batch again: the next pass lets them decide on its candidate.
    deciding = [batch for batch in current if batch.has_awaiting_candidate]
    return PendingBatches(
        open=frozenset(batch.digest for batch in batches if batch.state == OPEN),
        awaiting=frozenset(batch.digest for batch in awaiting),
        candidates=frozenset(
            batch.run_id for batch in (*awaiting, *deciding, *rejected) if batch.run_id is not None
        ),
    )

"""The reason for the state of a batch, with the training that took its pictures since."""

from collections.abc import Sequence

from pipeline.retraining.batch import Batch, BatchState

#: In the reason of a batch with too few labels, and what is shown in its place after a training.
WAITS, WAITED = "The batch waits for more", "The batch waited for more"

#: States of batches whose labels are trained on as soon as a later batch starts a training.
_WAITING: tuple[BatchState, ...] = ("good_enough", "too_little_data")


def current_reason(batch: Batch, pushed: Sequence[Batch]) -> str:
    """Return the reason of a batch; of one that waited, also the version that was trained on it.

    Args:
        batch: Batch of the ledger.
        pushed: Batches for which a version was pushed that was not rolled back, in the order of
            arrival.
    """
    training = _find_training(batch, pushed)
    if training is None:
        return batch.reason
    reason = batch.reason.replace(WAITS, WAITED)
    return f"{reason}; trained on with {training.name}, version {training.version}"


def _find_training(batch: Batch, pushed: Sequence[Batch]) -> Batch | None:
    """Return the first batch whose training had all labels of a batch that waited."""
    domains = _labelled_domains(batch)
    if batch.state not in _WAITING or batch.replaced_by is not None or not domains:
        return None
    new = {name for name in domains if batch.numbers[name].get("is_new")}
    decided_at = batch.finished_at or ""
    for one in pushed:
        # Batches are decided on one after the other: an earlier number was decided on before.
        is_later = one.number > batch.number and (one.finished_at or "") >= decided_at
        # A new domain joins a training with enough labels. Those of its only domain were enough.
        if is_later and (not new or new == _labelled_domains(one)):
            return one
    return None


def _labelled_domains(batch: Batch) -> set[str]:
    return {name for name, one in batch.numbers.items() if one.get("labelled")}

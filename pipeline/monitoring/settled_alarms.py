"""Alarms that labels have answered: the serving version is good enough on their pictures."""

from collections.abc import Sequence

from components.pusher.rollback_record import read_rollback
from components.pusher.version_store import VersionStore
from pipeline.monitoring.monitor_state import SettledAlarm, StreamState
from pipeline.retraining.batch import Batch
from pipeline.retraining.ledger import read_batches
from pipeline.retraining.unlabelled.labels_since import labels_since
from trainer_module.contract.printable_names import printable_name


def settle_alarms(stream: StreamState, store: VersionStore, version: int) -> None:
    """Take pictures for known ones on which labels show that the serving version is good enough.

    Their alarm then ends, and no other begins before something else arrives.

    Args:
        stream: State of a client domain.
        store: Versions of the model.
        version: Number of the serving version.

    Raises:
        InputError: The ledger, or the record of a version, is damaged.
    """
    if not stream.offered:
        return
    batches = read_batches(store.root)
    for offered in stream.offered:
        decision = _find_decision(offered.path, batches, store)
        if decision and _has_served(store, version, decision.finished_at or ""):
            told = SettledAlarm(decision.name, decision.finished_at or "", decision.reason)
            stream.settle(offered, told)


def _find_decision(path: str, batches: Sequence[Batch], store: VersionStore) -> Batch | None:
    """Return the batch that is good enough and has labels for a batch in an inbox."""
    own = [one for one in batches if one.source == printable_name(path)]
    if not own:
        return None
    if own[-1].state == "good_enough":
        return own[-1]
    good = [one for one in batches if one.state == "good_enough"]
    return labels_since(own[-1], good, store.root)


def _has_served(store: VersionStore, version: int, time: str) -> bool:
    """Return whether a version served at a time, and not a later one that was rolled back since."""
    for later in store.rolled_back_versions():
        if later > version:
            rolled_back_at = read_rollback(store.rolled_back / str(later)).rolled_back_at
            if store.read_any(later).pushed_at <= time <= rolled_back_at:
                return False
    return True

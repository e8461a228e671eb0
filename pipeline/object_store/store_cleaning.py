"""Remove from a store what no state needs: superseded states, and objects that nothing names."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.object_store.file_transfer import FOLDER as OBJECTS
from pipeline.object_store.file_transfer import object_name
from pipeline.object_store.state_chain import FOLDER as STATES
from pipeline.object_store.state_chain import StateChain, state_name

if TYPE_CHECKING:
    from obstore.store import ObjectStore

#: Age, by the clock of the store, from which something superseded is removed: no command reads a
#: state, and none uploads for one, as long as that.
MIN_AGE = datetime.timedelta(hours=24)


@dataclass(frozen=True)
class RemovedObjects:
    """What was removed from a store.

    Attributes:
        objects: Number of objects.
        size: Their bytes.
    """

    objects: int
    size: int


def clean_store(
    store: "ObjectStore", now: datetime.datetime, min_age: datetime.timedelta = MIN_AGE
) -> RemovedObjects:
    """Empty superseded states, and remove the objects that no other state names.

    The newest state stays, and so do those that were superseded lately. The caller holds the lease.

    Args:
        store: Part of the store that is the workspace.
        now: Time by the clock of the store.
        min_age: Age from which something is removed.
    """
    import obstore

    chain = StateChain(store)
    needed = {
        object_name(entry.digest)
        for number in _kept_states(store, chain, now - min_age)
        for entry in chain.read(number).manifest.files.values()
    }
    unused = [
        one
        for part in obstore.list(store, prefix=OBJECTS)
        for one in part
        if one["path"] not in needed and one["last_modified"] < now - min_age
    ]
    for one in unused:
        obstore.delete(store, one["path"])
    return RemovedObjects(len(unused), sum(one["size"] for one in unused))


def _kept_states(store: "ObjectStore", chain: StateChain, before: datetime.datetime) -> list[int]:
    """Empty the states that were superseded before a time; return the numbers of the others."""
    import obstore

    newest, kept = chain.newest_number(), []
    states = {one["path"]: one for part in obstore.list(store, prefix=STATES) for one in part}
    for number in range(newest, 0, -1):
        one = states.get(state_name(number))
        if one is None or not one["size"]:
            continue
        # A state is superseded when the next one is made, not when it was made itself.
        successor = states.get(state_name(number + 1))
        if successor is None or successor["last_modified"] >= before:
            kept.append(number)
        else:
            chain.empty(number)
    return kept

"""What of a workspace is kept: the newest versions and runs, and what anything still needs."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from components.pusher.promoted_version import read_promoted
from components.pusher.push_record import Push
from components.pusher.version_store import VersionStore
from components.pusher.version_use import is_in_use
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import find_stores
from pipeline.workspace import RUN_ID, Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PICTURES

_logger = logging.getLogger("carryover.retention")


@dataclass(frozen=True)
class PendingBatches:
    """Batches of the ledger on which something is still to be decided.

    Attributes:
        open: Digests of the batches whose outcome is open: the next pass resumes their runs.
        awaiting: Digests of the batches whose candidates await labels.
        candidates: Ids of the runs whose candidates a person or labels may still push.
    """

    open: frozenset[str] = frozenset()
    awaiting: frozenset[str] = frozenset()
    candidates: frozenset[str] = frozenset()


@dataclass(frozen=True)
class KeptVersions:
    """Versions of one model that stay complete.

    Attributes:
        store: Versions of the model.
        served: Numbers of those in the serving directory.
        rolled_back: Numbers of those that were rolled back.
        in_use: Those of `served` that stay only because a server has loaded them.
    """

    store: VersionStore
    served: frozenset[int]
    rolled_back: frozenset[int]
    in_use: frozenset[int] = frozenset()

    def pushes(self) -> Iterator[Push]:
        """Yield the records of these versions, as far as they can be read."""
        for number, push, is_serving in self.store.records():
            numbers = self.served if is_serving else self.rolled_back
            if number in numbers and isinstance(push, Push):
                yield push


@dataclass(frozen=True)
class KeptState:
    """What is kept.

    Attributes:
        versions: Versions of every model that is cleaned.
        runs: Ids of the runs that are kept with their reports, logs and artifacts.
        listings: Names of the files in `inputs` that kept runs name; None to keep all of them.
    """

    versions: list[KeptVersions]
    runs: frozenset[str]
    listings: frozenset[str] | None = field(default=frozenset())


def find_kept(
    workspace: Workspace, keep: int, pending: PendingBatches, name: str | None = None
) -> KeptState:
    """Find out what stays.

    Args:
        workspace: Workspace to clean.
        keep: Number of newest versions of each model, and of newest runs.
        pending: Batches on which something is still to be decided.
        name: Name of the only model to clean; None for all models.

    Raises:
        UnavailableError: The record of a version is damaged.
    """
    stores = find_stores(workspace.root)
    cleaned = [store for store in stores if name in (None, store.name)]
    versions = [_kept_versions(store, keep, workspace) for store in cleaned]
    run_ids = list_runs(workspace)
    runs = {push.run_id for kept in versions for push in kept.pushes()}
    runs |= set(run_ids[-keep:])
    runs |= _open_runs(workspace, run_ids, pending)
    runs |= _candidates(workspace, stores, pending)
    if len(stores) > len(cleaned):
        runs |= {one for one in run_ids if one not in runs and _model(workspace, one) != name}
    older = {push.run_id for kept in versions for push in _sources_of_groups(kept.store)}
    runs |= older
    return KeptState(
        versions,
        frozenset(runs),
        None if older else frozenset(_named_listings(workspace, runs)),
    )


def list_runs(workspace: Workspace) -> list[str]:
    """Return the ids of all runs, the oldest first."""
    folders = workspace.runs.iterdir() if workspace.runs.is_dir() else ()
    return sorted(one.name for one in folders if RUN_ID.fullmatch(one.name) and one.is_dir())


def _kept_versions(store: VersionStore, keep: int, workspace: Workspace) -> KeptVersions:
    numbers = store.versions()
    kept = set(numbers[-keep:])
    # Without its record nobody can tell what a version needs, and it may be restored.
    for error in store.damaged_pushes().values():
        raise error
    if numbers:  # an unchanged run compares the serving version with its baseline again
        kept.add(store.read_push(numbers[-1]).baseline_version or numbers[-1])
    kept |= _shown_again(workspace) | _beside_shadow(store, numbers)
    in_use = {one for one in numbers if one not in kept and is_in_use(store.path(one))}
    return KeptVersions(
        store,
        frozenset((kept | in_use) & set(numbers)),
        frozenset(store.rolled_back_versions()[-keep:]),
        frozenset(in_use),
    )


def _beside_shadow(store: VersionStore, numbers: list[int]) -> set[int]:
    """Return the version that serves while a newer one is in shadow, and may serve after it, too.

    All versions where nobody knows which one that is.
    """
    try:
        promoted = read_promoted(store)
    except InputError as error:
        _logger.warning("all versions of %s are kept: %s", store.name, error)
        return set(numbers)
    return set() if promoted is None else set([one for one in numbers if one <= promoted][-1:])


def _shown_again(workspace: Workspace) -> set[int]:
    """Return the version whose run is shown again where nothing has changed since."""
    run_ids = list_runs(workspace)
    try:
        pushed = Summary.read(workspace.runs / run_ids[-1]).pushed_version if run_ids else None
    except InputError:  # it has not ended
        pushed = None
    return set() if pushed is None else {pushed}


def _open_runs(workspace: Workspace, run_ids: list[str], pending: PendingBatches) -> set[str]:
    """Return the newest run of every open batch: the next pass takes finished components from it.

    The oldest ones are overwritten by newer ones.
    """
    newest: dict[str, str] = {}
    for run_id in run_ids:
        try:
            digest = workspace.batch_digest(run_id)
        except InputError as error:
            _logger.warning("run %s: %s", run_id, error)
            continue
        if digest in pending.open:
            newest[str(digest)] = run_id
    return set(newest.values())


def _candidates(
    workspace: Workspace, stores: Iterable[VersionStore], pending: PendingBatches
) -> set[str]:
    """Return the runs whose candidates may still be pushed.

    A candidate that was compared with another version than the serving one cannot be accepted, and
    is trained again where labels arrive.
    """
    serving = {store.newest() for store in stores}
    candidates = set()
    for run_id in pending.candidates:
        try:
            if Summary.read(workspace.runs / run_id).baseline_version in serving:
                candidates.add(run_id)
        except InputError:  # a person may restore the summary
            candidates.add(run_id)
    return candidates


def _model(workspace: Workspace, run_id: str) -> str | None:
    """Return the name of the model of a run; None if its config cannot be read."""
    try:
        return str(workspace.read_config(run_id).get("name"))
    except InputError as error:
        _logger.warning("run %s: %s", run_id, error)
        return None


def _sources_of_groups(store: VersionStore) -> list[Push]:
    """Return the records of the versions whose runs have groups that the serving version lacks.

    Versions that were pushed before groups were kept have them in the catalogs and listings of
    their runs alone, see `earlier_groups`.
    """
    newest = store.newest()
    if newest is None or not _lacks_groups(store.path(newest) / PICTURES):
        return []
    return [push for _, push, _ in store.records() if isinstance(push, Push)]


def _lacks_groups(pictures: Path) -> bool:
    """Return whether some pictures in the list of a version have no group, or it is unreadable."""
    if not pictures.exists():
        return False  # a version without the list: nothing of it is trained on again
    try:
        has_column = "group" in pq.read_schema(pictures).names
        return not has_column or pq.read_table(pictures, columns=["group"])["group"].null_count > 0
    except (OSError, ValueError) as error:
        _logger.warning("%s cannot be read: %s", pictures, error)
        return True


def _named_listings(workspace: Workspace, runs: Iterable[str]) -> Iterator[str]:
    for run_id in runs:
        try:
            summary = Summary.read(workspace.runs / run_id)
        except InputError:  # it has not ended, or it was removed by hand
            continue
        yield from filter(None, (summary.listing, summary.slice_values, summary.unlabelled))

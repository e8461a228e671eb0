"""What is removed of pictures, and in which order."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow.compute as pc

from components.pusher.data_set import read_data_set
from components.pusher.rollback_record import read_rollback
from components.pusher.version_store import VersionStore
from pipeline.forgetting.batch_removal import RetiredRuns, batch_pictures, batch_updates
from pipeline.forgetting.concerned_runs import (
    concerned_listings,
    concerned_runs,
    cut_unlabelled_lists,
    files_of_runs,
    is_unlabelled_list,
    names_in_summaries,
    runs_of_batches,
)
from pipeline.forgetting.concerned_versions import (
    REASON,
    ConcernedVersion,
    Retirement,
    retired_files,
)
from pipeline.forgetting.forgotten_pictures import ForgottenPictures
from pipeline.forgetting.picture_records import version_folders
from pipeline.forgetting.to_label_removal import plan_to_label
from pipeline.forgetting.version_rows import VersionRowsRemoval, plan_rows_removal
from pipeline.report.lineage import check_artifacts, newest_execution
from pipeline.retention import unneeded_files
from pipeline.retention.kept_state import list_runs
from pipeline.retention.metadata_rows import MetadataRows, find_rows
from pipeline.retention.removal import Removal, RowRemoval, Step
from pipeline.traffic.monitor_files import monitoring_folder
from pipeline.traffic.traffic_files import list_files
from pipeline.traffic.traffic_removal import TrafficRemoval, plan_traffic_removal
from pipeline.traffic.traffic_store import traffic_folder
from pipeline.version_lookup import find_stores
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PICTURES

#: Kinds of `kept_removals`.
_MONITORING, _EXPORTS = "states of the monitor", "exports"


@dataclass(frozen=True)
class ForgetPlan:
    """What is to be removed.

    Attributes:
        pictures: Pictures to forget.
        versions: Versions that they concern.
        retired: Those of them that are retired.
        steps: Steps in their order.
        is_known: Whether the workspace holds anything of the pictures.
    """

    pictures: ForgottenPictures
    versions: list[ConcernedVersion]
    retired: list[ConcernedVersion]
    steps: list[Step]
    is_known: bool


def plan_steps(
    workspace: Workspace,
    pictures: ForgottenPictures,
    versions: list[ConcernedVersion],
    retired: list[ConcernedVersion],
    gone: Collection[tuple[str, int]] = (),
    planned: Collection[tuple[str, str]] = (),
) -> ForgetPlan:
    """Return what is to be removed of pictures.

    The order: lists of versions first, so that no retraining looks for a picture that is gone; then
    versions to retire, each in one step, the serving one last, so that none of them serves in
    between; then traffic, reports, caches, and the copies of batches. Artifacts come last, after
    ML Metadata's rows about them, as when a workspace is cleaned.

    Args:
        workspace: Workspace of the pictures.
        pictures: Pictures to forget.
        versions: Versions that they concern.
        retired: Those of them to retire.
        gone: Models and numbers of the versions that a call that was killed has retired.
        planned: What that call had to remove beside, see `kept_removals`.

    Raises:
        UnavailableError: ML Metadata, a version, a listing or the ledger is damaged.
    """
    listings = concerned_listings(workspace, pictures)
    runs = concerned_runs(workspace, listings)
    rows = _metadata_rows(workspace, runs)
    traffic = _traffic(workspace, pictures)
    to_label = plan_to_label(workspace, pictures, runs)
    removed = _retired_runs(workspace, runs, {*gone, *map(_key, retired)}, to_label.undecidable)
    # They may name pictures that they have not read: those to label.
    naming = {*runs, *runs_of_batches(workspace, to_label.digests)}
    steps: list[Step] = [
        *_version_steps(workspace, pictures, retired),
        *traffic,
        *_needed(
            chain(
                _monitoring(workspace, traffic),
                files_of_runs(workspace, runs),
                _caches(workspace),
                _exports(workspace, pictures, versions, retired),
                (Removal(kind, workspace.root / path) for kind, path in planned),
                _listings(workspace, listings),
                to_label.removals(workspace),
                unneeded_files.temporary_files(workspace),
                unneeded_files.working_folders(workspace),
            )
        ),
        *to_label.steps(),
        *names_in_summaries(workspace, sorted(naming), pictures),
        *batch_updates(workspace, pictures, removed),
        *batch_pictures(workspace, pictures),
        *_artifacts(workspace, rows),
        *cut_unlabelled_lists(workspace, listings, pictures),
    ]
    is_listed = pictures.locations or any(one.splits for one in versions)
    is_known = bool(is_listed or retired or any(one.count for one in traffic))
    return ForgetPlan(pictures, versions, retired, steps, is_known)


def kept_removals(plan: ForgetPlan, workspace: Workspace) -> list[tuple[str, str]]:
    """Return the removals that follow from what is removed before them: kind, and relative path.

    After a kill, neither the traffic nor the list of a version tells any more that they are needed.

    Args:
        plan: What is to be removed.
        workspace: Workspace of the pictures.
    """
    return [
        (step.kind, step.path.relative_to(workspace.root).as_posix())
        for step in plan.steps
        if isinstance(step, Removal) and step.kind in (_MONITORING, _EXPORTS)
    ]


def _key(version: ConcernedVersion) -> tuple[str, int]:
    return version.store.name, version.number


def _retired_runs(
    workspace: Workspace,
    runs: Collection[str],
    retired: Collection[tuple[str, int]],
    undecidable: Collection[str],
) -> RetiredRuns:
    staying = set()
    for store in find_stores(workspace.root):
        for number in store.versions():
            if (store.name, number) not in retired:
                with contextlib.suppress(InputError):  # a version of another program has no record
                    staying.add(store.read_any(number).run_id)
    return RetiredRuns(runs, {number for _, number in retired}, staying, undecidable)


def _version_steps(
    workspace: Workspace, pictures: ForgottenPictures, retired: list[ConcernedVersion]
) -> Iterator[Step]:
    leaving = {one.folder for one in retired}
    folders = [one for one in version_folders(workspace) if one not in leaving]
    for store in find_stores(workspace.root):
        folders += [store.folder(number) for number in store.removed_versions()]
    plans = (plan_rows_removal(folder, pictures) for folder in folders)
    yield from (one for one in plans if isinstance(one, VersionRowsRemoval))
    yield from map(Retirement, retired)
    for one in retired:
        links = workspace.root / "baselines" / one.store.name
        for link in sorted(links.glob("*-*")):
            if link.name.startswith(f"{one.number}-"):
                yield Removal("temporary files", link)
    for store in find_stores(workspace.root):
        yield from _unfinished_retirements(store)


def _unfinished_retirements(store: VersionStore) -> Iterator[Removal]:
    """Yield versions that were taken out of service by a call that was killed."""
    for number in store.rolled_back_versions():
        folder = store.rolled_back / str(number)
        removal = retired_files(folder)
        if read_rollback(folder).reason == REASON and removal.is_needed:
            yield removal


def _traffic(workspace: Workspace, pictures: ForgottenPictures) -> list[TrafficRemoval]:
    files = list_files(traffic_folder(workspace.root)) if pictures.contents else []
    plans = (plan_traffic_removal(file.path, pictures.contents) for file in files)
    return [one for one in plans if one is not None]


def _monitoring(workspace: Workspace, traffic: list[TrafficRemoval]) -> Iterator[Removal]:
    """Yield what `carryover monitor` keeps, if it may have seen the pictures.

    It reads the traffic that is left again.
    """
    folder = monitoring_folder(workspace.root)
    if any(one.count for one in traffic):
        for path in sorted(folder.glob("[!.]*")):
            yield Removal(_MONITORING, path)


def _caches(workspace: Workspace) -> Iterator[Removal]:
    """Yield what any command computes or writes again, and that may show or name the pictures."""
    yield Removal("activations", workspace.activation_cache)
    yield Removal("searches of tune", workspace.searches)
    yield Removal("history page", workspace.root / "history.html")
    for log in sorted(workspace.log("").parent.glob("*.log")):
        yield Removal("logs", log)


def _listings(workspace: Workspace, listings: Collection[str]) -> Iterator[Removal]:
    for name in listings:
        if not is_unlabelled_list(name):
            yield Removal("listings of pictures", workspace.inputs / name)


def _exports(
    workspace: Workspace,
    pictures: ForgottenPictures,
    versions: Collection[ConcernedVersion],
    retired: Collection[ConcernedVersion],
) -> Iterator[Removal]:
    """Yield exports of retired versions, bundles with reports, and copies with training data."""
    concerned = set(map(_key, versions))
    gone = set(map(_key, retired))
    whole = {(folder.parent.name, int(folder.name)) for folder in version_folders(workspace)}
    for folder in sorted((workspace.root / "exports").glob("*/*")):
        key = (folder.parent.name, int(folder.name) if folder.name.isdecimal() else 0)
        if key in gone:
            yield Removal(_EXPORTS, folder)
            continue
        for path in sorted(folder.glob("*")):
            is_bundle = path.suffix == ".tar" and (key in concerned or key not in whole)
            if is_bundle or _is_copy_of(path, pictures):
                yield Removal(_EXPORTS, path)


def _is_copy_of(path: Path, pictures: ForgottenPictures) -> bool:
    """Return whether an export lists one of the pictures."""
    table = read_data_set(path) if (path / PICTURES).exists() else None
    if table is None:
        return False
    contents = set(pc.unique(table["content"]).to_pylist())
    return not contents.isdisjoint(pictures.contents)


def _metadata_rows(workspace: Workspace, runs: Collection[str]) -> MetadataRows | None:
    """Return what runs that have not read the pictures need of ML Metadata.

    Of commands that are no runs, such as `inspect`, nothing tells what they have read.
    """
    check_artifacts(workspace)
    if not newest_execution(workspace.metadata):
        return None
    kept = [run_id for run_id in list_runs(workspace) if run_id not in runs]
    return find_rows(workspace.metadata, kept, newest=0, keeps_newest=False)


def _artifacts(workspace: Workspace, rows: MetadataRows | None) -> Iterator[Step]:
    if rows is not None:
        if rows.removed:
            yield RowRemoval(workspace.metadata, rows)
        yield from _needed(unneeded_files.artifacts(workspace, rows))


def _needed(removals: Iterator[Removal]) -> Iterator[Removal]:
    """Yield those with something to remove, each once."""
    needed = {one.path: one for one in removals if one.is_needed}
    yield from needed.values()

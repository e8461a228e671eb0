"""Removes what a workspace needs no more, in an order that a kill at any point leaves working."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from pipeline.report.lineage import check_artifacts, newest_execution
from pipeline.retention import unneeded_files
from pipeline.retention.kept_state import KeptState, PendingBatches, find_kept
from pipeline.retention.metadata_rows import find_rows
from pipeline.retention.removal import Cleaned, Removal, RowRemoval, Step, VersionRemoval, add_up
from pipeline.workspace import Workspace


@dataclass(frozen=True)
class CleaningResult:
    """What a cleaning removed, or would remove.

    Attributes:
        kept: What stays.
        removed: By kind, in the order of the removal.
    """

    kept: KeptState
    removed: list[Cleaned]

    @property
    def size(self) -> int:
        """Bytes of disk in all."""
        return sum(one.size for one in self.removed)


def clean_workspace(
    workspace: Workspace,
    keep: int,
    read_pending: Callable[[], PendingBatches],
    name: str | None = None,
    dry_run: bool = False,
) -> CleaningResult:
    """Remove old versions, runs, artifacts, logs and listings of a workspace.

    The steps come in this order: first what is only deleted, because a full disk has no room for
    the folder to which a version moves; a version leaves the serving directory before anything of
    it is removed; the files that name the artifacts of a run go before ML Metadata's rows about
    them, and these in one transaction, before the artifacts. So a cached execution is never
    answered with an artifact of which a part is left.

    Args:
        workspace: Workspace to clean.
        keep: Number of newest versions of each model, and of newest runs, that stay.
        read_pending: Function that reads the batches on which something is still to be decided. It
            is called while no pass runs.
        name: Name of the only model to clean; None for all models.
        dry_run: Whether only to tell what would be removed.

    Raises:
        InputError: Another process uses the workspace.
        UnavailableError: ML Metadata is damaged or locked, or does not know the artifacts, or the
            record of a version is damaged.
        OSError: Something cannot be removed.
    """
    with workspace.lock():
        pending = read_pending()
        kept = find_kept(workspace, keep, pending, name)
        steps = list(_steps(workspace, keep, pending, kept))
        removed = add_up((step, _measured(step, dry_run)) for step in steps)
    return CleaningResult(kept, removed)


def _measured(step: Step, dry_run: bool) -> int:
    """Return the bytes of disk that a step frees, and carry it out unless it is a dry run."""
    size = step.size()
    if not dry_run:
        step.carry_out()
    return size


def _steps(
    workspace: Workspace, keep: int, pending: PendingBatches, kept: KeptState
) -> Iterator[Step]:
    yield from unneeded_files.logs(workspace, kept)
    yield from _needed(
        chain(
            unneeded_files.listings(workspace, kept, pending),
            unneeded_files.pictures_to_label(workspace, pending),
            unneeded_files.searches(workspace, keep),
            unneeded_files.temporary_files(workspace),
            unneeded_files.working_folders(workspace),
            unneeded_files.failed_runs(workspace, kept),
        )
    )
    for versions in kept.versions:
        for number in versions.store.versions():
            if number not in versions.served:
                yield VersionRemoval(versions.store, number)
    yield from _needed(unneeded_files.old_versions(kept))
    yield from _needed(unneeded_files.old_runs(workspace, kept))
    yield from _lineage_steps(workspace, keep, kept)


def _lineage_steps(workspace: Workspace, keep: int, kept: KeptState) -> Iterator[Step]:
    check_artifacts(workspace)
    if newest_execution(workspace.metadata):
        rows = find_rows(workspace.metadata, kept.runs, keep)
        if rows.removed:
            yield RowRemoval(workspace.metadata, rows)
        yield from unneeded_files.artifacts(workspace, rows)


def _needed(removals: Iterator[Removal]) -> Iterator[Removal]:
    return (one for one in removals if one.is_needed)

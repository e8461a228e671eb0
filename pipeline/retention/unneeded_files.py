"""Files and folders of a workspace that nothing needs, by what they are."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from components.pusher.version_store import LEFT_FILES, VersionStore
from pipeline.retention.kept_state import KeptState, PendingBatches, list_runs
from pipeline.retention.metadata_rows import MetadataRows
from pipeline.retention.removal import LogCut, Removal
from pipeline.summary.summary_schema import Summary
from pipeline.version_lookup import find_stores
from pipeline.workspace import BATCH, RUN_ID, Workspace
from trainer_module.contract.atomic_write import DRAFT_SUFFIX
from trainer_module.contract.errors import InputError
from trainer_module.contract.model_assets import PUSH_RECORD, ROLLBACK_RECORD

#: Files of an old run that stay: the history page shows its figures.
_OF_OLD_RUNS = ("summary.json", "config.yaml", BATCH)

#: Files of a run that name artifacts or answer for it: they go before what they name.
_NAMING = ("identity", "outputs.json")

#: Bytes of a command's log that stay, and size at which it is cut to that.
LOG_LIMIT, LOG_CUT = 2 * 2**20, 4 * 2**20

#: Files in `inputs` that a run or a pass writes for itself.
_LISTING = re.compile(
    r"[0-9a-f]{64}(\.jsonl|\.slices\.parquet|\.parameter)|unlabelled-[0-9a-f]{16}\.txt"
)

#: Beginning of the names of folders with unlabelled pictures in `inputs`.
_UNLABELLED = "unlabelled-"


def failed_runs(workspace: Workspace, kept: KeptState) -> Iterator[Removal]:
    """Yield the runs without figures that are not kept, in whole."""
    for folder in _unkept_runs(workspace, kept):
        if not _has_figures(folder):
            yield Removal("runs", folder, first=("summary.json", *_NAMING))


def old_runs(workspace: Workspace, kept: KeptState) -> Iterator[Removal]:
    """Yield the runs that are not kept, but for their figures."""
    for folder in _unkept_runs(workspace, kept):
        if _has_figures(folder):
            yield Removal("runs", folder, _OF_OLD_RUNS, _NAMING)


def _unkept_runs(workspace: Workspace, kept: KeptState) -> Iterator[Path]:
    for run_id in list_runs(workspace):
        folder = workspace.runs / run_id
        if run_id in kept.runs:
            continue
        names = {path.name for path in folder.iterdir()}
        if "summary.json" not in names or names - set(_OF_OLD_RUNS):  # else cleaned already
            yield folder


def _has_figures(folder: Path) -> bool:
    """Return whether the history page shows a run, or a person may restore its summary."""
    try:
        return Summary.read(folder).status != "failed"
    except InputError:
        return (folder / "summary.json").exists()


def artifacts(workspace: Workspace, rows: MetadataRows) -> Iterator[Removal]:
    """Yield the artifacts that no row names."""
    uris = [Path(workspace.artifact(uri)) for uri in rows.kept_uris]
    kept = {*uris, *(path.parent for path in uris)}  # some artifacts are a file in their folder
    for folder in sorted(workspace.artifacts.glob("*/*/*")):
        if folder.name.isdecimal() and folder not in kept:
            yield Removal("artifacts", folder)


def working_folders(workspace: Workspace) -> Iterator[Removal]:
    """Yield the folders of TFX's components: no run is active, so all are left over."""
    for folder in sorted(workspace.artifacts.glob("*/.system/*/*")):
        yield Removal("working folders", folder)


def old_versions(kept: KeptState) -> Iterator[Removal]:
    """Yield versions that were moved away and not removed, and those that were rolled back."""
    for versions in kept.versions:
        store = versions.store
        for number in store.removed_versions():
            yield Removal("versions", store.folder(number), LEFT_FILES)
        for number in store.rolled_back_versions():
            if number not in versions.rolled_back:
                folder = store.rolled_back / str(number)
                yield Removal("rolled-back versions", folder, (PUSH_RECORD, ROLLBACK_RECORD))


def logs(workspace: Workspace, kept: KeptState) -> Iterator[Removal | LogCut]:
    """Yield the logs of runs that are not kept, and long logs of commands."""
    for path in sorted(workspace.log("").parent.glob("*.log")):
        if RUN_ID.fullmatch(path.stem):
            if path.stem not in kept.runs:
                yield Removal("logs", path)
        elif path.stat().st_size > LOG_CUT:
            yield LogCut(path, LOG_LIMIT)


def listings(workspace: Workspace, kept: KeptState, pending: PendingBatches) -> Iterator[Removal]:
    """Yield the files in `inputs` that no kept run names, and drafts."""
    for path in sorted(workspace.inputs.glob("*")):
        if path.name.endswith(DRAFT_SUFFIX):
            yield Removal("temporary files", path)
        elif path.is_dir() and path.name.startswith(_UNLABELLED):
            if not pending.open:  # the next pass resumes with them
                yield Removal("listings of pictures", path)
        elif _is_old_listing(path.name, kept):
            yield Removal("listings of pictures", path)


def _is_old_listing(name: str, kept: KeptState) -> bool:
    is_listing = _LISTING.fullmatch(name) is not None
    return is_listing and kept.listings is not None and name not in kept.listings


def pictures_to_label(workspace: Workspace, pending: PendingBatches) -> Iterator[Removal]:
    """Yield the pictures whose labels decide on nothing any more, and drafts."""
    for path in sorted(workspace.to_label.glob("*")):
        if path.name.startswith(".select-") and path.name.endswith(DRAFT_SUFFIX):
            yield Removal("temporary files", path)
        elif not is_of_batch(path.name, pending.open | pending.awaiting):
            yield Removal("pictures to label", path)


def is_of_batch(name: str, digests: Collection[str]) -> bool:
    """Return whether a file or folder in `to_label` is of one of some batches.

    `carryover label` writes the labelled pictures, and labels in progress, beside the folder.

    Args:
        name: Name of the file or folder.
        digests: Digests of the batches.
    """
    return re.split(r"[-.]", name.removeprefix("."), maxsplit=1)[0] in digests


def searches(workspace: Workspace, keep: int) -> Iterator[Removal]:
    """Yield all but the newest searches of `carryover tune`."""
    folders = sorted(workspace.searches.glob("*"), key=lambda path: path.stat().st_mtime)
    for folder in folders[:-keep]:
        yield Removal("searches of tune", folder)


def temporary_files(workspace: Workspace) -> Iterator[Removal]:
    """Yield what killed pushes and passes have left, and links to versions that are gone."""
    for store in find_stores(workspace.root):
        yield Removal("temporary files", workspace.root / f".incoming-{store.name}")
        yield from _dead_links(workspace.root / "baselines" / store.name, store)
    yield Removal("temporary files", workspace.batches / ".incoming")


def _dead_links(folder: Path, store: VersionStore) -> Iterator[Removal]:
    known = {str(number) for number in (*store.versions(), *store.removed_versions())}
    for path in sorted(folder.glob("*")):
        if path.name.partition("-")[0] not in known:
            yield Removal("temporary files", path)

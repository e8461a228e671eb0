"""Acceptance: a person pushes a candidate that the gate rejected, and says why."""

from datetime import datetime, timezone
from pathlib import Path

from components.pusher.version_store import Push, VersionStore, model_digest
from pipeline import component_ids
from pipeline.config.config_file import load_config
from pipeline.retraining.batch import has_pictures
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Summary
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.workspace import BATCH, Workspace
from trainer_module.contract.errors import InputError


def accept_candidate(root: Path, run_id: str, reason: str) -> int:
    """Push the candidate of a run that was not blessed.

    After a kill, the same call writes the ledger; a version that was pushed is not pushed again.

    Args:
        root: Folder of the workspace.
        run_id: Id of the run.
        reason: Reason; it is kept with the version and in the ledger.

    Returns:
        Number of the new version.

    Raises:
        InputError: There is no such candidate, it serves already, another version was pushed since
            the run, or the reason is empty.
    """
    if not reason.strip():
        raise InputError("--reason is empty. Say why the candidate is pushed.")
    workspace = Workspace(root.resolve())
    folder = workspace.runs / run_id
    with workspace.lock():
        summary = _read_summary(folder)
        config = load_config(folder / "config.yaml", [], {"workspace": workspace.root})
        store = VersionStore(workspace.root, config.name)
        ledger = Ledger(workspace.root)  # before the push: it may be unreadable
        batch = (folder / BATCH).read_text().strip() if (folder / BATCH).exists() else None
        accepted = _find_accepted(store, run_id)
        if accepted:
            return _finish(ledger, batch, *accepted)
        if summary.baseline_version != store.newest():
            raise InputError(
                f"run {run_id} was compared with version {summary.baseline_version}, but version "
                f"{store.newest()} is the serving version now. Deliver the batch again."
            )
        data_root = workspace.data_root(run_id, summary.data_root)
        version = _push(store, summary, folder, data_root, batch, reason)
        if batch:
            _update_ledger(ledger, batch, version, reason)
    return version


def _find_accepted(store: VersionStore, run_id: str) -> tuple[int, Push] | None:
    """Return the version in the serving directory that was accepted from a run; None without."""
    for number, push, is_served in store.pushes():
        if is_served and push.run_id == run_id and push.accepted:
            return number, push
    return None


def _finish(ledger: Ledger, digest: str | None, version: int, push: Push) -> int:
    """Write a version to the ledger that a killed call has pushed, with its reason.

    Raises:
        InputError: The ledger has the version already.
    """
    batch = ledger.with_pictures(digest) if digest else None
    if not digest or not batch or (batch.state, batch.version) == ("pushed", version):
        raise InputError(
            f"run {push.run_id} was accepted already, as version {version}. There is nothing to do."
        )
    _update_ledger(ledger, digest, version, str(push.accepted))
    return version


def _read_summary(folder: Path) -> Summary:
    if not (folder / "summary.json").exists():
        known = sorted(path.parent.name for path in folder.parent.glob("*/summary.json"))
        raise InputError(
            f"there is no finished run {folder.name}. Give one of: {', '.join(known) or 'none'}."
        )
    summary = Summary.read(folder)
    if summary.status != "not_blessed":
        raise InputError(
            f"run {folder.name} has the status {summary.status}. Only the candidate of a run that "
            "is not_blessed can be accepted."
        )
    return summary


def _push(
    store: VersionStore,
    summary: Summary,
    folder: Path,
    data_root: str,
    batch: str | None,
    reason: str,
) -> int:
    # Imported after the checks: TFX takes seconds to import.
    import_tensorflow_quietly()
    from components.compat.tfx_internals import serving_model_path
    from components.pusher.executor import keep_data
    from pipeline.summary.run_outputs import read_outputs

    outputs = read_outputs(folder)
    model = Path(serving_model_path(outputs[component_ids.TRAINER]["model"]))
    if not model.exists():
        raise InputError(f"the model of run {summary.run_id} does not exist any more: {model}")
    statistics = outputs[component_ids.STATISTICS_GEN]["statistics"]
    catalog = outputs[component_ids.IMAGE_EXAMPLE_GEN]["catalog"]
    # A retraining reads a part of the baseline's pictures: the others are taken over from it.
    baseline = store.path(summary.baseline_version) if batch and summary.baseline_version else None
    push = Push(
        digest=model_digest(model),
        run_id=summary.run_id,
        run_key="",
        baseline_version=summary.baseline_version,
        pushed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        domains={name: domain.model_dump() for name, domain in summary.domains.items()},
        batch=batch,
        accepted=reason,
    )

    def add_origin(version: Path) -> None:
        keep_data(statistics, catalog, data_root, store.root, version, baseline)

    return store.push(model, push, add_origin)


def _update_ledger(ledger: Ledger, digest: str, version: int, reason: str) -> None:
    """Write the version to the newest delivery of the batch, whatever its state is."""
    batches = [
        batch for batch in ledger.batches() if batch.digest == digest and has_pictures(batch)
    ]
    if batches:
        ledger.finish(batches[-1].number, "pushed", f"accepted: {reason}", version=version)

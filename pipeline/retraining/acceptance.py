"""Acceptance: a person pushes a candidate that the gate rejected, and says why."""

from datetime import datetime, timezone
from pathlib import Path

from components.pusher.version_store import Push, VersionStore, model_digest
from pipeline import component_ids
from pipeline.config.config_file import load_config
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import BATCH, Workspace
from trainer_module.contract.errors import InputError


def accept_candidate(root: Path, run_id: str, reason: str) -> int:
    """Push the candidate of a run that was not blessed.

    Args:
        root: Folder of the workspace.
        run_id: Id of the run.
        reason: Reason; it is kept with the version and in the ledger.

    Returns:
        Number of the new version.

    Raises:
        InputError: There is no such candidate, or another version was pushed since the run.
    """
    workspace = Workspace(root.resolve())
    folder = workspace.runs / run_id
    with workspace.lock():
        summary = _read_summary(folder)
        config = load_config(folder / "config.yaml", [], {"workspace": workspace.root})
        store = VersionStore(workspace.root, config.name)
        if summary.baseline_version != store.newest():
            raise InputError(
                f"run {run_id} was compared with version {summary.baseline_version}, but version "
                f"{store.newest()} is the serving version now. Deliver the batch again."
            )
        ledger = Ledger(workspace.root)  # before the push: it may be unreadable
        batch = (folder / BATCH).read_text().strip() if (folder / BATCH).exists() else None
        version = _push(store, summary, folder, batch, reason)
        if batch:
            _update_ledger(ledger, batch, version, reason)
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
    store: VersionStore, summary: Summary, folder: Path, batch: str | None, reason: str
) -> int:
    # Imported after the checks: TFX takes seconds to import.
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
        keep_data(statistics, catalog, summary.data_root, store.root, version, baseline)

    return store.push(model, push, add_origin)


def _update_ledger(ledger: Ledger, digest: str, version: int, reason: str) -> None:
    for batch in ledger.batches():
        if batch.digest == digest and batch.state == "rejected":
            ledger.update(
                batch.number, state="pushed", version=version, reason=f"accepted: {reason}"
            )

"""`carryover accept`: a person overrides the gate, and says why."""

from datetime import datetime, timezone
from pathlib import Path

from components.pusher.version_store import Push, VersionStore, model_digest
from pipeline.config.config_file import load_config
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import BATCH, Workspace
from trainer_module.contract.errors import InputError


def accept(root: Path, run_id: str, reason: str) -> int:
    """Push the candidate of a run that was not blessed.

    Args:
        root: of the workspace.
        run_id: of the run.
        reason: kept with the version and in the ledger.

    Returns:
        The number of the new version.

    Raises:
        InputError: there is no such candidate, or another version serves since.
    """
    workspace = Workspace(root.resolve())
    folder = workspace.runs / run_id
    with workspace.lock():
        summary = _summary(folder)
        config = load_config(folder / "config.yaml", [], {"workspace": workspace.root})
        store = VersionStore(workspace.root, config.name)
        if summary.baseline_version != store.newest():
            raise InputError(
                f"run {run_id} was compared with version {summary.baseline_version}, but version "
                f"{store.newest()} serves now. Deliver the batch again."
            )
        batch = (folder / BATCH).read_text().strip() if (folder / BATCH).exists() else None
        version = _push(store, summary, folder, batch, reason)
        _note(Ledger(workspace.root), batch, version, reason)
    return version


def _summary(folder: Path) -> Summary:
    if not (folder / "summary.json").exists():
        known = ", ".join(sorted(one.parent.name for one in folder.parent.glob("*/summary.json")))
        raise InputError(f"no finished run {folder.name}. Runs: {known or 'none'}.")
    summary = Summary.read(folder)
    if summary.status != "not_blessed":
        raise InputError(f"run {folder.name} is {summary.status}: there is nothing to accept.")
    return summary


def _push(
    store: VersionStore, summary: Summary, folder: Path, batch: str | None, reason: str
) -> int:
    # Behind the checks: TFX takes seconds to import.
    from tfx.utils.path_utils import serving_model_path

    from components.pusher.executor import keep_origin
    from pipeline.running.component_launches import read_outputs

    outputs = read_outputs(folder)
    model = Path(serving_model_path(outputs["Trainer"]["model"]))
    if not model.exists():
        raise InputError(f"the model of run {summary.run_id} is gone: {model}")
    before = store.path(summary.baseline_version) if batch and summary.baseline_version else None
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
    data = outputs["StatisticsGen"]["statistics"], outputs["ImageExampleGen"]["catalog"]
    return store.push(
        model, push, lambda copy: keep_origin(*data, summary.data_root, store.root, copy, before)
    )


def _note(ledger: Ledger, batch: str | None, version: int, reason: str) -> None:
    for entry in ledger.entries():
        if batch and entry.digest == batch and entry.state == "rejected":
            ledger.note(entry.number, state="pushed", version=version, reason=f"accepted: {reason}")

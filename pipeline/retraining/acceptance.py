"""Acceptance: a person overrules the gate or the check of labels, and says why."""

import getpass
import os
from datetime import datetime, timezone
from pathlib import Path

from components.pusher.model_digest import model_digest
from components.pusher.rollback_record import read_rollback
from components.pusher.version_store import Push, VersionStore
from pipeline import component_ids
from pipeline.config.config_file import load_config
from pipeline.retraining.batch import AWAITING, FILE, OPEN, Batch, has_pictures
from pipeline.retraining.batch_decision import LABELS_DECIDE
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Summary
from pipeline.tensorflow_import import import_tensorflow_quietly
from pipeline.terminal.accept_command import accept_command
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name
from trainer_module.contract.workspace_files.state_files import reading

#: What to do about a damaged artifact of a run.
_RESTORE = "Restore it from a backup, or train again."


def accept_candidate(root: Path, run_id: str, reason: str) -> int:
    """Push the candidate of a run that was not blessed, or awaits labels.

    After a kill, the same call writes the ledger; a version that was pushed is not pushed again.

    Args:
        root: Folder of the workspace.
        run_id: Id of the run.
        reason: Reason; it is kept with the version and in the ledger.

    Returns:
        Number of the new version.

    Raises:
        InputError: There is no such candidate, it serves already, another version was pushed since
            the run, the serving version has lost files, or the reason is empty.
    """
    reason = _checked(reason)
    workspace = Workspace(root.resolve())
    folder = workspace.runs / run_id
    _check_finished(workspace.runs, run_id)  # before the lock, which is a file in the workspace
    with workspace.lock():
        summary = _read_summary(folder)
        workspace.read_config(run_id)  # a file that was cut off may hold valid YAML
        config = load_config(workspace.config_file(run_id), [], {"workspace": workspace.root})
        store = VersionStore(workspace.root, config.name)
        ledger = Ledger(workspace.root, config.name)  # before the push: it may be unreadable
        batch = workspace.batch_digest(run_id)
        accepted = _find_accepted(store, run_id)
        if accepted:
            return _finish(ledger, batch, store, *accepted, reason)
        if summary.baseline_version != store.newest():
            waits = any(one.state == AWAITING for one in ledger.of_digest(batch or ""))
            advice = (
                "Label its pictures, which carryover history names the commands for: then it is "
                "trained on that version"
                if waits
                else "Deliver the batch again"
            )
            raise InputError(
                f"run {run_id} was compared with version {summary.baseline_version}, but version "
                f"{store.newest()} is the serving version now. {advice}."
            )
        if summary.baseline_version:
            store.check_files(summary.baseline_version)
        data_root = workspace.data_root(run_id, summary.data_root)
        version = _push(store, summary, folder, data_root, batch, reason)
        if batch:
            _update_ledger(ledger, batch, store, version, run_id, reason)
    return version


def accept_batch(root: Path, name: str, reason: str) -> Batch:
    """Accept the labels of a batch that is held for them: the next pass takes it unchecked.

    Args:
        root: Folder of the workspace.
        name: Name of the batch.
        reason: Reason; it is kept with the batch, and is part of its events.

    Returns:
        The batch, whose outcome is open again.

    Raises:
        InputError: There is no such batch, it is not held for its labels, or the reason is empty.
    """
    reason = _checked(reason)
    workspace = Workspace(root.resolve())
    if not (workspace.root / FILE).exists():
        raise InputError(f"no batch has arrived in workspace {workspace.root} yet.")
    with workspace.lock():
        ledger = Ledger(workspace.root)
        batch = ledger.newest(name)
        held = [one.name for one in ledger.batches() if one.is_held_for_labels]
        if batch is None or not batch.is_held_for_labels:
            what = f"batch {name} is {batch.state}" if batch else f"there is no batch {name}"
            if batch and batch.run_id and batch.state in ("rejected", AWAITING):
                command = accept_command(workspace.root, batch.run_id)
                raise InputError(f"{what}. Its candidate is accepted by its run: {command}")
            raise InputError(
                f"{what}. Only a batch that is held because its labels contradict its pictures can "
                f"be accepted: {', '.join(dict.fromkeys(held)) or 'none is'}."
            )
        text = f"{batch.reason}; labels {_describe_acceptance(reason)}"
        return ledger.update(
            batch.number, state=OPEN, reason=text, accepted=reason, attempts=0, finished_at=None
        )


def _checked(reason: str) -> str:
    """Return a reason that can be kept: in JSON, bytes that are not UTF-8 would damage a record."""
    if not any(character.isalnum() for character in reason):
        raise InputError("--reason says nothing. Say why it is accepted.")
    return printable_name(reason)


def _find_accepted(store: VersionStore, run_id: str) -> tuple[int, Push] | None:
    """Return the version in the serving directory that was accepted from a run; None without."""
    for number, push, is_served in store.pushes():
        if is_served and push.run_id == run_id and push.accepted:
            return number, push
    return None


def _finish(
    ledger: Ledger, digest: str | None, store: VersionStore, version: int, push: Push, reason: str
) -> int:
    """Write a version to the ledger that a killed call has pushed, with its reason.

    A version that was rolled back and put back by hand is in the ledger with its reason: then the
    new one counts.

    Raises:
        InputError: The ledger has the version already.
    """
    batches = ledger.of_digest(digest) if digest else []
    if not digest or not batches or any(batch.version == version for batch in batches):
        raise InputError(
            f"run {push.run_id} was accepted already, as version {version}. There is nothing to do."
        )
    pushed_with = str(push.accepted)
    is_told = any(_describe_acceptance(pushed_with) in batch.reason for batch in batches)
    _update_ledger(ledger, digest, store, version, push.run_id, reason if is_told else pushed_with)
    return version


def _check_finished(runs: Path, run_id: str) -> None:
    """Refuse what is not the name of a folder in `runs`, such as a path that leads out of it."""
    known = sorted(path.parent.name for path in runs.glob("*/summary.json"))
    if run_id not in known:
        raise InputError(
            f"there is no finished run {printable_name(run_id)} in workspace {runs.parent}. "
            f"Give one of: {', '.join(known) or 'none'}."
        )


def _read_summary(folder: Path) -> Summary:
    summary = Summary.read(folder)
    if summary.status in ("not_blessed", "awaiting_labels"):
        return summary
    if summary.status == "pushed":
        advice = "If its version was rolled back, deliver its batch again, or give the run again."
    else:
        advice = (
            "Only the candidate of a run that is not_blessed or awaiting_labels can be accepted."
        )
    raise InputError(f"run {folder.name} has the status {summary.status}. {advice}")


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
    from pipeline.summary.run_outputs import FILE as OUTPUTS_FILE
    from pipeline.summary.run_outputs import candidate_uri, read_outputs

    outputs = read_outputs(folder)
    with reading(folder / OUTPUTS_FILE, f"list of the artifacts of run {summary.run_id}", _RESTORE):
        model = Path(serving_model_path(candidate_uri(outputs)))
        statistics = outputs[component_ids.STATISTICS_GEN]["statistics"]
        catalog = outputs[component_ids.IMAGE_EXAMPLE_GEN]["catalog"]
        evaluation = outputs[component_ids.EVALUATOR]["evaluation"]
    _check_artifacts(summary.run_id, model, statistics, catalog, evaluation)
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
        keep_data(statistics, catalog, evaluation, data_root, store.root, version, baseline)

    return store.push(model, push, add_origin)


def _check_artifacts(
    run_id: str, model: Path, statistics: str, catalog: str, evaluation: str
) -> None:
    """Check that what is pushed is complete: nobody has looked at it since the run.

    Raises:
        UnavailableError: An artifact is missing or damaged.
    """
    import tensorflow as tf

    from components.data_gate.statistics.split_statistics import read_statistics, split_file
    from components.evaluation.predictions.prediction_files import read_predictions
    from components.image_example_gen.catalog import read_catalog

    with reading(model, f"model of run {run_id}", _RESTORE):
        tf.saved_model.load(str(model))
    with reading(statistics, f"statistics of run {run_id}", _RESTORE):
        if not read_statistics(split_file(statistics, "train")).overall.count:
            raise ValueError("they count no picture")
    with reading(catalog, f"list of the pictures of run {run_id}", _RESTORE):
        if not sum(part.num_rows for part in read_catalog(catalog)):
            raise ValueError("it has no row")
    with reading(evaluation, f"test predictions of run {run_id}", _RESTORE):
        read_predictions(evaluation)


def user_name() -> str:
    """Return the printable name of the user who runs this process."""
    try:
        return printable_name(getpass.getuser())
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"user {os.getuid()}"


def _describe_acceptance(reason: str) -> str:
    """Return who accepts something now, and why."""
    return f"accepted by {user_name()}: {reason}"


def _describe_rollback(store: VersionStore, version: int | None) -> str:
    """Return when and why a version was rolled back; "" for None or one that was not."""
    if version is None or not store.is_rolled_back(version):
        return ""
    return f"version {version} was {read_rollback(store.rolled_back / str(version))}"


def _update_ledger(
    ledger: Ledger, digest: str, store: VersionStore, version: int, run_id: str, accepted: str
) -> None:
    """Write an accepted version to a delivery of its batch.

    The reason of the rejection is kept, and what became of an earlier version of that delivery.

    That is the newest delivery, whatever its state is. If another version was pushed for that one,
    it is the delivery that the run was made for.
    """
    batches = [batch for batch in ledger.of_digest(digest) if has_pictures(batch)]
    if not batches:
        return
    batch = batches[-1]
    if batch.version is not None:
        batch = next((one for one in reversed(batches) if one.run_id == run_id), batch)
    # No label has decided on a candidate that awaited labels.
    reason = batch.reason.partition(LABELS_DECIDE)[0]
    earlier = _describe_rollback(store, batch.version)
    text = "; ".join(filter(None, (reason, earlier, _describe_acceptance(accepted))))
    ledger.finish(batch.number, "pushed", text, version=version)

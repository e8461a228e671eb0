"""Prepare a run for launching: its baseline, its schema, its pipeline."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from tfx.orchestration.pipeline import Pipeline

from components.compat.tfx_internals import serving_model_path
from components.data_gate.statistics.known_names import read_known_names
from pipeline.config.run_config import RunConfig
from pipeline.dag import PipelineInputs, create_pipeline
from pipeline.identity.component_fingerprints import ComponentFingerprints, fingerprint_components
from pipeline.identity.model_key import model_key
from pipeline.report.lineage import check_artifacts
from pipeline.running.launcher import Launcher
from pipeline.running.run import Run
from pipeline.workspace import Workspace
from trainer_module import data
from trainer_module.activations.activation_cache import write_limit
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.model_assets import TEST_PREDICTIONS

SCHEMA = Path(data.__file__).with_name("schema.pbtxt")


def prepare_launcher(
    run: Run,
    has_baseline: bool = True,
    create: Callable[[RunConfig, PipelineInputs], Pipeline] = create_pipeline,
) -> tuple[Launcher, int | None]:
    """Compile the pipeline of a run, and remove unfinished outputs of killed runs.

    Args:
        run: Run to prepare. The caller holds the lock of its workspace.
        has_baseline: Whether the serving version is the baseline, where there is one.
        create: Function of the config and the inputs that returns the pipeline.

    Returns:
        The launcher of the pipeline, and the version of the baseline; None for a first run.

    Raises:
        UnavailableError: ML Metadata is damaged, or does not know the artifacts of the workspace.
    """
    check_artifacts(run.workspace)
    code = fingerprint_components()
    key = model_key(run.snapshot.key, run.config, code)
    baseline = baseline_version(run, key) if has_baseline else None
    inputs = pipeline_inputs(run, code, key, baseline)
    launcher = Launcher(create(run.config, inputs), run.run_id)
    launcher.discard_unfinished()
    return launcher, baseline


def pipeline_inputs(
    run: Run, code: ComponentFingerprints, key: str, baseline: int | None
) -> PipelineInputs:
    """Return what the pipeline of a run depends on, beside its config.

    Files of the workspace that its components read are written: the schema, and the limit of the
    kept activations.

    Args:
        run: Run with its listing.
        code: Fingerprints of the components, see `fingerprint_components`.
        key: Identity of what determines the model, see `model_key`.
        baseline: Version to start from and to compare with; None for a first run.

    Raises:
        UnavailableError: The baseline, or an earlier version that counts for the gate, has lost a
            file.
    """
    if baseline:
        run.store.check_files(baseline)
    if run.snapshot.batch:
        write_limit(run.workspace.activation_cache, run.config.cache_disk * 2**20)
    return PipelineInputs(
        data_root=run.snapshot.data_root,
        listing=str(run.snapshot.path),
        digest=run.snapshot.digest,
        domains=run.snapshot.domains,
        known_domains=_known_domains(run, baseline),
        files=run.snapshot.files,
        empty_classes=run.snapshot.empty_classes,
        schema=str(_write_schema(run.workspace)),
        code=code,
        run_id=run.run_id,
        run_key=key,
        baseline_uri=str(run.workspace.baseline_uri(run.store, baseline)) if baseline else None,
        baseline_version=baseline or 0,
        earlier_versions=_earlier_versions(run, baseline),
        folds=run.snapshot.folds,
        batch=run.snapshot.batch or "",
        new_folders=run.snapshot.new_folders,
        slice_values=str(run.snapshot.slice_values or ""),
        unverified=tuple(run.snapshot.unverified),
        candidate_uri=run.snapshot.candidate,
        unlabelled=run.snapshot.unlabelled,
    )


def baseline_version(run: Run, key: str) -> int | None:
    """Return the version to start from and to compare with; None for a first run.

    That is the serving version, unless the serving version came from exactly the inputs of this
    run. Then it is the baseline of the serving version, so that this run repeats the earlier one
    from the cache and does not train again.

    Args:
        run: Run that needs a baseline.
        key: Identity of what determines its model, see `model_key`.
    """
    newest = run.store.newest()
    if newest is None:
        return None
    push = run.store.read_push(newest)
    earlier = push.baseline_version
    if push.run_key == key and (earlier is None or earlier in run.store.versions()):
        return earlier
    return newest


def _known_domains(run: Run, baseline: int | None) -> tuple[str, ...] | None:
    """Return the domains that the baseline was trained on; all if that is not known."""
    if baseline is None:
        return None
    known = read_known_names(str(run.store.path(baseline)))
    return tuple(sorted(known.domains)) or run.snapshot.domains


def _earlier_versions(run: Run, baseline: int | None) -> dict[int, str]:
    """Return the folders of the versions that have kept predictions and count for the gate.

    A person who accepts a candidate accepts what it lost: the versions before an accepted one do
    not count any more. Neither do versions that were rolled back; those that were removed do. The
    paths have the digests of the models in them, see `Workspace.baseline_uri`: they are part of the
    Evaluator's cache key.
    """
    numbers = sorted([*run.store.versions(), *run.store.removed_versions()])
    pushes = {number: push for number, push, is_serving in run.store.pushes() if is_serving}
    accepted = [
        number for number, push in pushes.items() if push.accepted and number <= (baseline or 0)
    ]
    first = max(accepted, default=0)
    counting = [number for number in numbers if baseline and first <= number < baseline]
    for number in counting:  # one whose predictions were lost would be left out without a word
        if number in pushes:
            run.store.check_files(number)
    folders = {
        number: run.workspace.baseline_uri(run.store, number) if number in pushes else None
        for number in counting
        if (run.store.folder(number) / TEST_PREDICTIONS).exists()
    }
    return {  # a damaged record has no digest; the version counts all the same
        number: serving_model_path(str(folder)) if folder else str(run.store.folder(number))
        for number, folder in folders.items()
    }


def _write_schema(workspace: Workspace) -> Path:
    """Write the schema under a name with its digest, because TFX's cache compares only paths."""
    content = SCHEMA.read_bytes()
    copy = workspace.inputs / f"schema-{hashlib.sha256(content).hexdigest()[:16]}.pbtxt"
    return atomic_write(copy, content)

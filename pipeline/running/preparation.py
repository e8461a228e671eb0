"""Makes a run ready to launch: its baseline, its pipeline, its schema."""

import hashlib
from pathlib import Path

from components.data_gate.statistics.baseline_statistics import read_baseline_statistics
from pipeline.dag import Inputs, create_pipeline
from pipeline.running.identity import CodeFingerprints, fingerprint_code, model_key
from pipeline.running.launcher import Launcher
from pipeline.running.run import Run
from pipeline.workspace import Workspace
from trainer_module import data

SCHEMA = Path(data.__file__).with_name("schema.pbtxt")


def prepare(run: Run) -> tuple[Launcher, int | None]:
    """Compile the pipeline of a run, and clear away what killed runs left half done.

    Returns:
        What launches it, and the version that serves as its baseline, if any.
    """
    code = fingerprint_code()
    key = model_key(run.snapshot.digest, run.config, code)
    baseline = baseline_version(run, key)
    inputs = run_inputs(run, code, key, baseline)
    launcher = Launcher(create_pipeline(run.config, inputs), run.run_id)
    launcher.discard_unfinished()
    return launcher, baseline


def run_inputs(run: Run, code: CodeFingerprints, key: str, baseline: int | None) -> Inputs:
    """What a run is over.

    Args:
        run: with its listing.
        code: see `fingerprint_code`.
        key: of the run, see `model_key`.
        baseline: version to beat and to start from, None for none.
    """
    return Inputs(
        data_root=run.snapshot.data_root,
        listing=str(run.snapshot.path),
        digest=run.snapshot.digest,
        domains=run.snapshot.domains,
        known_domains=_known_domains(run, baseline),
        files=run.snapshot.files,
        empty_classes=run.snapshot.empty_classes,
        schema=str(_keep_schema(run.workspace)),
        code=code,
        run_id=run.run_id,
        run_key=key,
        baseline_uri=str(run.workspace.baseline_uri(run.store, baseline)) if baseline else None,
        baseline_version=baseline or 0,
        batch=run.snapshot.batch or "",
        fresh=run.snapshot.fresh,
    )


def baseline_version(run: Run, key: str) -> int | None:
    """The version to beat and to start from: the newest one that serves.

    Where that one came from the very inputs of this run, it is what this run would make: then the
    baseline is the one that it was made from, and the caches answer instead of training again.
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
    """Domains that the baseline was trained on; all, where it does not say."""
    if baseline is None:
        return None
    then = read_baseline_statistics(str(run.store.path(baseline)))
    return tuple(sorted(then.domains)) if then else run.snapshot.domains


def _keep_schema(workspace: Workspace) -> Path:
    """A copy of the schema named by its content: TFX's cache looks at the name alone."""
    content = SCHEMA.read_bytes()
    copy = workspace.inputs / f"schema-{hashlib.sha256(content).hexdigest()[:16]}.pbtxt"
    copy.write_bytes(content)
    return copy

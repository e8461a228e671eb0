"""Runs the DAG on this machine: progress, lock, cache, summary."""

import contextlib
import hashlib
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import trainer_module
from pipeline.config import RunConfig
from pipeline.identity import CodeFingerprints, fingerprint_code, model_key
from pipeline.logs import captured_output, relayed
from pipeline.runs import Run, failed_summary
from pipeline.snapshot import take_snapshot
from pipeline.summary_schema import Summary
from pipeline.terminal import Reporter, show_summary
from pipeline.workspace import Workspace
from trainer_module.errors import InputError

SCHEMA = Path(trainer_module.__file__).with_name("schema.pbtxt")


class RunFailedError(Exception):
    """A component failed; the message says which and why, the log has the traceback."""


def run_pipeline(config: RunConfig) -> Summary:
    """Run the pipeline, with progress on the terminal.

    A run that was killed left its finished components in the workspace: the same call goes on
    behind the last of them, and an unchanged run is answered from there altogether.

    Args:
        config: of the run.

    Returns:
        The summary, also written to `runs/<run id>/summary.json`.

    Raises:
        InputError: the pictures or the config cannot be used, or the workspace is in use.
        RunFailedError: a component failed.
    """
    resolved = {"data": config.data.resolve(), "workspace": config.workspace.resolve()}
    config = config.model_copy(update=resolved)
    if config.workspace.is_relative_to(config.data):
        raise InputError(
            f"workspace {config.workspace} lies inside of the data folder {config.data}, where its "
            "files would be taken for pictures. Give another one with --workspace DIR."
        )
    workspace = Workspace(config.workspace)
    with workspace.lock():
        snapshot = take_snapshot(config.data, workspace.inputs)
        run_id = workspace.new_run(config)
        with captured_output(workspace.log(run_id)) as console:
            reporter = Reporter(console)
            domains = ", ".join(snapshot.domains)
            reporter.title(f"run {run_id}: {snapshot.files:,} files, domains {domains}")
            run = Run(run_id, config, workspace, snapshot, reporter)
            with relayed(reporter.say):
                summary = _execute(run)
            version = summary.pushed_version
            model = str(run.store.path(version)) if version else None
            show_summary(console, summary, model, run.store.newest())
            if summary.reject_reasons:
                reporter.say(f"rejected files are listed in {workspace.rejects(run_id)}")
    return summary


def _execute(run: Run) -> Summary:
    """Launch every component in turn and summarise them; a failure is summarised too."""
    folder = run.workspace.runs / run.run_id
    try:
        with _noted_interrupt() as interrupts:
            summary = _launch_all(run)
    except Exception as error:
        traceback.print_exc()  # stderr is the log now
        if interrupts:
            raise KeyboardInterrupt from error
        run.finish()
        cause = _input_error(error)
        reason = str(cause) if cause else f"{run.step} failed: {_last_line(error)}"
        failed_summary(run, reason).write(folder)
        if cause:
            raise cause from error
        raise RunFailedError(f"{reason} (traceback: {run.workspace.log(run.run_id)})") from error
    summary.write(folder)
    return summary


@contextlib.contextmanager
def _noted_interrupt() -> Iterator[list[int]]:
    """Collect Ctrl-C: Beam turns it into an error of the step that it was in."""
    interrupts: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _launch_all(run: Run) -> Summary:
    with run.component("Loading TFX"):
        # Behind the spinner: TensorFlow, Beam and TFX take many seconds to import.
        from pipeline.launching import Launcher
        from pipeline.rejects import write_rejects
        from pipeline.summary import read_summary

        code = fingerprint_code()
        key = model_key(run.snapshot.digest, run.config, code)
        baseline = _baseline_version(run, key)
        launcher = Launcher(_create_pipeline(run, code, key, baseline), run.run_id)
    launcher.discard_unfinished()
    outputs = {}
    for node in launcher.nodes:
        with run.component(node) as outcome:
            outputs[node], outcome.cached = launcher.launch(node)
    write_rejects(outputs["ImageExampleGen"]["rejects"], run.workspace.rejects(run.run_id))
    run.finish()
    return read_summary(run, outputs, baseline)


def _create_pipeline(run: Run, code: CodeFingerprints, key: str, baseline: int | None) -> Any:
    from pipeline.dag import Inputs, create_pipeline

    return create_pipeline(
        run.config,
        Inputs(
            data_root=str(run.snapshot.data_root),
            listing=str(run.snapshot.path),
            digest=run.snapshot.digest,
            domains=run.snapshot.domains,
            schema=str(_keep_schema(run.workspace)),
            code=code,
            run_id=run.run_id,
            run_key=key,
            baseline_uri=str(run.workspace.baseline_uri(run.store, baseline)) if baseline else None,
            baseline_version=baseline or 0,
        ),
    )


def _baseline_version(run: Run, key: str) -> int | None:
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


def _keep_schema(workspace: Workspace) -> Path:
    """A copy of the schema named by its content: TFX's cache looks at the name alone."""
    content = SCHEMA.read_bytes()
    copy = workspace.inputs / f"schema-{hashlib.sha256(content).hexdigest()[:16]}.pbtxt"
    copy.write_bytes(content)
    return copy


def _input_error(error: BaseException | None) -> InputError | None:
    """The user's mistake among the causes of an error, if it is one."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:300]

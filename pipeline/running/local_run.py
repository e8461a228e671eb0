"""Runs the DAG on this machine: progress, lock, cache, summary."""

import contextlib
import signal
import traceback
from collections.abc import Iterator
from types import FrameType

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot, take_snapshot
from pipeline.report.run_report import report_on
from pipeline.running.beam_runner_check import check_engine
from pipeline.running.join_command import lead_others
from pipeline.running.logs import captured_output, relayed
from pipeline.running.run import Run, failed_summary
from pipeline.summary.summary_schema import Summary
from pipeline.summary.terminal import Reporter, show_findings, show_summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


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
        InputError: the pictures or the config cannot be used, an engine or a workspace cannot be
            had, or another process leads.
        RunFailedError: a component failed.
    """
    config = config.resolved()
    check_workspace(config)
    check_engine(config.beam)
    workspace = Workspace(config.workspace)
    with workspace.lock():
        lead_others(workspace)
        return run_snapshot(config, workspace, take_snapshot(config.data, workspace.inputs))


def run_snapshot(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
    """Run the pipeline over a listing, see `run_pipeline`. The caller holds the lock.

    Args:
        config: of the run, resolved.
        workspace: that the config names.
        snapshot: the pictures.
    """
    run_id = workspace.new_run(config, snapshot.batch)
    if snapshot.batch:
        config = config.for_retraining()
    with captured_output(workspace.log(run_id)) as console:
        reporter = Reporter(console)
        domains = ", ".join(snapshot.domains)
        reporter.title(f"run {run_id}: {snapshot.files:,} files, domains {domains}")
        run = Run(run_id, config, workspace, snapshot, reporter, workspace.runs / run_id)
        with relayed(reporter.say):
            try:
                summary = _execute(run)
            except (InputError, RunFailedError):
                report_on(run)
                raise
        version = summary.pushed_version
        model = str(run.store.path(version)) if version else None
        show_summary(console, summary, model, run.store.newest())
        show_lists(run)
        report_on(run)
    return summary


def check_workspace(config: RunConfig) -> None:
    """Refuse a workspace inside of the data.

    Raises:
        InputError: it is.
    """
    if config.workspace.is_relative_to(config.data):
        raise InputError(
            f"workspace {config.workspace} lies inside of the data folder {config.data}, where its "
            "files would be taken for pictures. Give another one with --workspace DIR."
        )


def show_lists(run: Run) -> None:
    """Say where the files are listed that a run could not use, or found twice."""
    for what, path in (("rejected", run.rejects), ("copied or look alike", run.lookalikes)):
        if path.exists():
            run.reporter.say(f"files that are {what} are listed in {path}")


def _execute(run: Run) -> Summary:
    """Launch every component in turn and summarise them; a failure is summarised too."""
    try:
        with _noted_interrupt() as interrupts:
            summary = _launch_all(run)
    except Exception as error:
        traceback.print_exc()  # stderr is the log now
        if interrupts:
            raise KeyboardInterrupt from error
        run.finish()
        cause = first_input_error(error)
        reason = str(cause) if cause else f"{run.step} failed: {last_line(error)}"
        failed_summary(run, reason).write(run.folder)
        show_findings(run.reporter.console, run.findings)
        if cause:
            raise cause from error
        raise RunFailedError(f"{reason} (traceback: {run.workspace.log(run.run_id)})") from error
    summary.write(run.folder)
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
        from pipeline.running.component_launches import launch, write_outputs
        from pipeline.running.preparation import prepare
        from pipeline.summary.summary_reader import read_summary

        launcher, baseline = prepare(run)
    outputs = launch(run, launcher, launcher.nodes)
    run.finish()
    write_outputs(outputs, run.folder)
    return read_summary(run, outputs, baseline)


def first_input_error(error: BaseException | None) -> InputError | None:
    """The user's mistake among the causes of an error, if it is one."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__ or error.__context__
    return None


def last_line(error: BaseException) -> str:
    """Where libraries say what went wrong."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:300]

"""One run on this machine, from the pictures to a pushed version: `carryover run`."""

import time

from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.inputs.layouts.layout import run_layout
from pipeline.inputs.snapshot import Snapshot, take_snapshot
from pipeline.logs.captured_output import captured_output, log_traceback, relayed_messages
from pipeline.publishing.publish_at_end import published_at_end
from pipeline.report.run_record import read_record
from pipeline.report.run_report import FILE as REPORT_FILE
from pipeline.report.run_report import write_report
from pipeline.running.join_command import prepare_chief
from pipeline.running.needs.run_needs import work_out_needs
from pipeline.running.reliable_interrupt import reliable_interrupt
from pipeline.running.run import Run
from pipeline.running.run_checks import check_config
from pipeline.running.run_failure import RunFailedError, failure_reason, run_error
from pipeline.running.unchanged_run import note_identity, unchanged_summary
from pipeline.summary.finding_list import show_findings
from pipeline.summary.run_facts import failed_summary
from pipeline.summary.summary_schema import Summary
from pipeline.summary.summary_table import show_summary
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.workspace import Workspace
from trainer_module.contract.output_text.wording import counted


def run_pipeline(config: RunConfig) -> Summary:
    """Run the pipeline over the data of a config, with progress on the terminal.

    The outputs of finished components are in the workspace. So the same call resumes a killed run
    after its last finished component. Where nothing has changed since the newest run, its result is
    shown again, and nothing runs.

    Args:
        config: Config of the run.

    Returns:
        The summary, which is also in `runs/<run id>/summary.json`.

    Raises:
        InputError: The pictures or the config are unusable, the Beam runner or the workspace is
            unavailable, or this process is not the chief.
        RunFailedError: A component failed.
    """
    start = time.perf_counter()
    config = config.resolved()
    check_config(config)
    workspace = Workspace(config.workspace)
    store, log = VersionStore(workspace.root, config.name), workspace.log("publish")
    with published_at_end(config.publish, store, log, print_line), workspace.lock():
        prepare_chief(workspace)
        snapshot = take_snapshot(
            config.data,
            workspace.inputs,
            run_layout(config),
            config.slice_columns,
        )
        if unchanged := unchanged_summary(config, workspace, snapshot, start):
            _show_unchanged(config, workspace, snapshot, unchanged)
            return unchanged
        summary = run_snapshot(config, workspace, snapshot)
        note_identity(config, workspace, snapshot, summary.run_id)
        return summary


def run_snapshot(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
    """Run the pipeline over a listing, see `run_pipeline`. The caller holds the lock.

    Args:
        config: Config of the run, with absolute paths.
        workspace: Workspace that the config names.
        snapshot: Listing of the pictures.

    Raises:
        UnavailableError: The disk of the workspace is too small.
        RunFailedError: A component failed.
    """
    as_given = config
    if snapshot.batch:
        config = config.for_retraining()
    needs = work_out_needs(config, workspace, snapshot)
    if config.check_disk:
        needs.check_disk()
    run_id = workspace.new_run(as_given, snapshot.batch)
    with captured_output(workspace.log(run_id)) as console:
        progress = ProgressDisplay(console)
        domains = ", ".join(snapshot.domains)
        progress.title(f"run {run_id}: {counted(snapshot.files, 'file')}, domains {domains}")
        for note in snapshot.notes:
            progress.message(note)
        if needs.is_large:
            progress.message(str(needs))
        run = Run(run_id, config, workspace, snapshot, progress, workspace.runs / run_id)
        with relayed_messages(progress.message):
            try:
                with reliable_interrupt():
                    summary = _launch_all(run)
            except Exception as error:
                _end_failed(run, error)
                raise run_error(run.step, error, workspace.log(run_id)) from error
        _end(run, summary)
    return summary


def _show_unchanged(
    config: RunConfig, workspace: Workspace, snapshot: Snapshot, summary: Summary
) -> None:
    """Show the result of the newest run, which a run now would repeat."""
    with captured_output(workspace.log(summary.run_id)) as console:
        progress = ProgressDisplay(console)
        folder = workspace.runs / summary.run_id
        run = Run(summary.run_id, config, workspace, snapshot, progress, folder)
        progress.title(f"run {run.run_id}: nothing has changed since, so this is its result")
        _show_result(run, summary)
        progress.message(f"report: {folder / REPORT_FILE}")


def _launch_all(run: Run) -> Summary:
    """Launch every component, and read the summary from their outputs."""
    with run.component("Loading TFX"):
        # While the spinner turns: TensorFlow, Beam and TFX take many seconds to import.
        from pipeline.running.launch_components import launch_components
        from pipeline.running.prepare_launcher import prepare_launcher
        from pipeline.summary.run_outputs import write_outputs
        from pipeline.summary.summary_reader import read_summary

        launcher, baseline = prepare_launcher(run)
    outputs = launch_components(run, launcher)
    run.finish()
    write_outputs(outputs, run.folder)
    folder = run.store.path(baseline) if baseline else None
    return read_summary(run.facts(), outputs, run.config.gate, baseline, folder)


def _end(run: Run, summary: Summary) -> None:
    """Write the summary of a finished run, show it, and write the report."""
    try:
        summary.write(run.folder)
    except OSError as error:
        version = summary.pushed_version
        step = f"Version {version} is serving. Its summary" if version else "The summary"
        raise RunFailedError(failure_reason(step, error), run.workspace.log(run.run_id)) from error
    _show_result(run, summary)
    report_run(run)
    _track_run(run)


def _show_result(run: Run, summary: Summary) -> None:
    """Show the summary of a finished run, and where its lists of pictures are."""
    version = summary.pushed_version
    model = str(run.store.path(version)) if version else None
    console, serving = run.progress.console, run.store.newest()
    show_summary(console, summary, model, serving, run.workspace.root)
    run.show_lists()


def _end_failed(run: Run, error: Exception) -> None:
    """Write the traceback, the summary and the report of a run that failed."""
    log_traceback()
    run.finish()
    failed_summary(run.facts(), failure_reason(run.step, error)).write(run.folder)
    show_findings(run.progress.console, run.findings)
    report_run(run)
    _track_run(run)


def _track_run(run: Run) -> None:
    """Write the run for TensorBoard. A failure is logged, and changes nothing else."""
    from pipeline.publishing.tensorboard_run import write_tensorboard_run

    try:
        write_tensorboard_run(run.folder)
    except Exception:
        log_traceback()


def report_run(run: Run) -> None:
    """Write `report.html`. A failure is shown, and does not change the result of the run."""
    try:
        with run.progress.component("Report"):
            path = write_report(read_record(run.workspace, run.run_id))
        run.progress.message(f"report: {path}")
    except Exception:
        log_traceback()
        log = run.workspace.log(run.run_id)
        run.progress.message(
            f"The report failed; the run's results are not affected. The traceback is in {log}."
        )

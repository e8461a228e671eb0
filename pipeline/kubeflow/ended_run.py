"""End a run on Kubeflow: its summary, the ledger, and the lease of the workspace."""

import time

from pipeline.config.run_config import RunConfig
from pipeline.kubeflow.step_failures import StepFailure
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.batch import OPEN
from pipeline.retraining.ledger import Ledger
from pipeline.retraining.notices import Notices
from pipeline.retraining.result_writer import ResultWriter
from pipeline.running.run import Run
from pipeline.summary.run_facts import failed_summary
from pipeline.summary.summary_schema import Summary
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.terminal.safe_console import SafeConsole
from pipeline.workspace import Workspace


def read_run(config: RunConfig, run_id: str, stored: StoredRun) -> Run:
    """Return a run that its first step has begun.

    Args:
        config: Config of the run.
        run_id: Id of the run in the workspace.
        stored: What the first step has left.
    """
    workspace = Workspace(config.workspace)
    display = ProgressDisplay(SafeConsole(width=100))
    run = Run(run_id, config, workspace, stored.snapshot, display, workspace.runs / run_id)
    # Since the first step, which wrote the config. The time of waiting for machines counts too.
    run.seconds["total"] = time.time() - workspace.config_file(run_id).stat().st_mtime
    return run


def write_failed(run: Run, reason: str) -> None:
    """Write the summary of a run that failed.

    Args:
        run: The run.
        reason: Step and error message, in one line.
    """
    failed_summary(run.facts(), reason).write(run.folder)
    print_line(f"run {run.run_id}: failed: {reason}")


def write_failure(run: Run, stored: StoredRun, failure: StepFailure) -> None:
    """Write that a step of a run has failed: the summary, and the result of its batch.

    Args:
        run: The run.
        stored: What the first step has left.
        failure: Why the step failed.
    """
    write_failed(run, failure.reason)
    if not stored.begun:
        return
    writer = _result_writer(run.config)
    batch = writer.ledger.read(stored.begun.number)
    if batch.state == OPEN:
        log = CommandLog("retrain", run.workspace.root)
        error = failure.error(run.workspace.log(run.run_id))
        writer.write(batch, writer.result_of_error(batch, error, log))


def write_result(run: Run, stored: StoredRun, summary: Summary) -> None:
    """Write the result of the batch of a run that has succeeded to the ledger.

    Args:
        run: The run.
        stored: What the first step has left.
        summary: Summary of the run.
    """
    if not stored.begun:
        return
    writer = _result_writer(run.config)
    batch = writer.ledger.read(stored.begun.number)
    if batch.state == OPEN:  # otherwise an earlier attempt of the step has written it
        writer.write(batch, stored.begun.result(summary, run.config.retrain.min_pictures))


def _result_writer(config: RunConfig) -> ResultWriter:
    notices = Notices(command=config.notify.command)
    return ResultWriter(config, Ledger(config.workspace), notices, print_line)

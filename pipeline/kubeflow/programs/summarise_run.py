"""Program of the last step of a run on Kubeflow that succeeds: its summary, and its batch's result.

What `carryover run` and `carryover retrain` do after a run, this step does: the ledger, the targets
of `publish`, and `retention`.
"""

import sys

from pipeline.config.run_config import RunConfig
from pipeline.kubeflow.ended_run import read_run, write_result
from pipeline.kubeflow.extra_tasks import split_qualified_name
from pipeline.kubeflow.kept_candidate import keep_candidate
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import noted_failures
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.logs.command_log import CommandLog
from pipeline.publishing.publish_process import publish_logged
from pipeline.retraining.pass_cleaning import clean_after
from pipeline.running.launch_components import collect_lists
from pipeline.running.run import Run
from pipeline.summary.run_outputs import Outputs
from pipeline.summary.summary_reader import read_summary
from pipeline.summary.summary_schema import Summary
from pipeline.summary.summary_table import show_summary
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.standard_streams import prepare_streams
from pipeline.workspace import Workspace
from trainer_module.contract.workspace_files.lease import Lease, release_lease


def main() -> None:
    """Write the folder `runs/<run id>/`, and print the table to the log of the step."""
    prepare_streams()
    step, environment = ExecutorInput(sys.argv[1]), StepEnvironment.read()
    config = RunConfig.model_validate_json(step.parameters["config"])
    workspace, run_id = Workspace(config.workspace), step.parameters["run_id"]
    stored = StoredRun.read(workspace.runs / run_id)
    run = read_run(config, run_id, stored)
    with workspace.lock(environment.run):
        # Without the lease, an earlier attempt of this step has come as far as the targets.
        if Lease.read(workspace.root) or not (run.folder / "summary.json").exists():
            with noted_failures(environment):
                summary = _summarise(run, stored, step)
                write_result(run, stored, summary)
            release_lease(workspace.root, environment.run)
    publish_logged(config.publish, run.store, workspace.log("publish"), print_line)
    clean_after(config, CommandLog("retrain", workspace.root))


def _summarise(run: Run, stored: StoredRun, step: ExecutorInput) -> Summary:
    """Write the summary and the lists of pictures to look at, and print the table."""
    outputs: Outputs = {}
    for name in step.input_artifacts:
        task, output = split_qualified_name(name)
        outputs.setdefault(task, {})[output] = step.input_path(name)
    collect_lists(run, outputs)
    baseline = stored.baseline_version
    baseline_folder = run.store.path(baseline) if baseline else None
    summary = read_summary(run.facts(), outputs, run.config.gate, baseline, baseline_folder)
    if not summary.pushed_version:
        keep_candidate(run, outputs)
    summary.write(run.folder)
    version = summary.pushed_version
    model = str(run.store.path(version)) if version else None
    show_summary(run.progress.console, summary, model, run.store.newest(), run.workspace.root)
    return summary


if __name__ == "__main__":
    main()

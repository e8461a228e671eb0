"""Runs by itself: the last step, which writes the summary of a run into the workspace."""

import json
import sys
import time

from rich.console import Console

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.kubeflow.extra_tasks import split_name
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.running.component_launches import keep_lists
from pipeline.running.run import Run
from pipeline.summary.summary_reader import Outputs, read_summary
from pipeline.summary.terminal import Reporter, show_summary
from pipeline.workspace import Workspace


def main() -> None:
    """Write `runs/<run id>/`, and show the table in the step's log."""
    step = ExecutorInput(sys.argv[1])
    parameters = step.parameters
    config = RunConfig.model_validate_json(parameters["config"])
    workspace = Workspace(config.workspace)
    snapshot = Snapshot(**json.loads(parameters["snapshot"]))
    run_id = parameters["run_id"]
    console = Console(width=100)
    folder = workspace.runs / run_id
    run = Run(run_id, config, workspace, snapshot, Reporter(console), folder)

    outputs: Outputs = {}
    for name in step.artifacts:
        task, output = split_name(name)
        outputs.setdefault(task, {})[output] = step.artifact(name)
    keep_lists(run, outputs)
    # Since the first step, which wrote the config; waiting for machines counts too.
    run.seconds["total"] = time.time() - (folder / "config.yaml").stat().st_mtime
    summary = read_summary(run, outputs, int(parameters["baseline_version"]) or None)
    summary.write(folder)
    version = summary.pushed_version
    model = str(run.store.path(version)) if version else None
    show_summary(console, summary, model, run.store.newest())


if __name__ == "__main__":
    main()

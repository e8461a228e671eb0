"""Program of the last step on Kubeflow: write the summary of a run into the workspace."""

import json
import sys
import time
from pathlib import Path

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.kubeflow.extra_tasks import split_qualified_name
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.running.launch_components import collect_lists
from pipeline.running.run import Run
from pipeline.summary.run_outputs import Outputs
from pipeline.summary.summary_reader import read_summary
from pipeline.summary.summary_table import show_summary
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.terminal.safe_console import SafeConsole
from pipeline.terminal.standard_streams import prepare_streams
from pipeline.workspace import Workspace


def main() -> None:
    """Write the folder `runs/<run id>/`, and print the table to the log of the step."""
    prepare_streams()
    step = ExecutorInput(sys.argv[1])
    parameters = step.parameters
    config = RunConfig.model_validate_json(parameters["config"])
    workspace = Workspace(config.workspace)
    snapshot = read_snapshot(parameters["snapshot"])
    run_id = parameters["run_id"]
    console = SafeConsole(width=100)
    folder = workspace.runs / run_id
    run = Run(run_id, config, workspace, snapshot, ProgressDisplay(console), folder)

    outputs: Outputs = {}
    for name in step.input_artifacts:
        task, output = split_qualified_name(name)
        outputs.setdefault(task, {})[output] = step.input_path(name)
    collect_lists(run, outputs)
    # Since the first step, which wrote the config. The time of waiting for machines counts too.
    run.seconds["total"] = time.time() - (folder / "config.yaml").stat().st_mtime
    baseline = int(parameters["baseline_version"]) or None
    baseline_folder = run.store.path(baseline) if baseline else None
    summary = read_summary(run.facts(), outputs, config.gate, baseline, baseline_folder)
    summary.write(folder)
    version = summary.pushed_version
    model = str(run.store.path(version)) if version else None
    show_summary(console, summary, model, run.store.newest(), workspace.root)


def read_snapshot(text: str) -> Snapshot:
    """Return the snapshot that the first step wrote as JSON, where paths are texts."""
    values = json.loads(text)
    paths = {name: Path(values[name]) for name in ("path", "slice_values") if values[name]}
    return Snapshot(**values | paths)


if __name__ == "__main__":
    main()

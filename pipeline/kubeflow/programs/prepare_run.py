"""Program of the first step on Kubeflow: prepare a run as `carryover run` does.

It lists the pictures, finds the baseline, and computes the parameters of every component. So every
scheduled run uses the pictures of its day. Kubeflow's cache works as well: the same listing, config
and code give the same parameters.
"""

import sys

from pipeline.config.path_check import check_data, check_weights
from pipeline.inputs.layouts.layout import run_layout
from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.begun_run import BegunRun, new_run, read_run_config
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import noted_failures
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.standard_streams import prepare_streams
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted


def main() -> None:
    """Write all output parameters of the step."""
    prepare_streams()
    step, environment = ExecutorInput(sys.argv[1]), StepEnvironment.read()
    config = read_run_config(step.parameters)
    check_data(config)
    check_weights(config)
    workspace = Workspace(config.workspace)
    with workspace.lock(environment.run):
        layout = run_layout(config)
        snapshot = take_snapshot(config.data, workspace.inputs, layout, config.slice_columns)
        run = new_run(config, config, workspace, snapshot, environment.run)
        with noted_failures(environment):
            begun = BegunRun.begin(run, environment.step, step.parameters.get("baseline_uri"))
            for name in step.output_parameters:
                step.write_parameter(name, begun.parameters[name])
    for note in snapshot.notes:
        print_line(note)
    files = counted(snapshot.files, "file")
    print_line(f"run {run.run_id}: {files}, domains {', '.join(snapshot.domains)}")


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"carryover: {error}")

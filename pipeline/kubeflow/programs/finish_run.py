"""Program of the step on Kubeflow that runs when all others have ended, however they ended.

A run that has failed gets a summary with the status `failed` and the reason, and its batch the same
entry in the ledger as after `carryover retrain`. The workspace is free for the next run.
"""

import sys

from pipeline.kubeflow.begun_run import read_run_config
from pipeline.kubeflow.ended_run import read_run, write_failure
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import read_failure
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.terminal.plain_lines import print_line
from pipeline.terminal.standard_streams import prepare_streams
from pipeline.workspace import Workspace
from trainer_module.contract.workspace_files.lease import Lease, release_lease


def main() -> None:
    """Write that the run has failed, if it has, and release the lease of the workspace."""
    prepare_streams()
    step, environment = ExecutorInput(sys.argv[1]), StepEnvironment.read()
    workspace = Workspace(environment.workspace)
    lease = Lease.read(workspace.root)
    if lease is None or lease.holder != environment.run:
        print_line("nothing to do: the run has ended, or it never began")
        return
    folder = workspace.runs / lease.run_id
    with workspace.lock(environment.run):
        if StoredRun.exists(folder) and not (folder / "summary.json").exists():
            stored = StoredRun.read(folder)
            run = read_run(read_run_config(step.parameters), lease.run_id, stored)
            write_failure(run, stored, read_failure(folder))
        release_lease(workspace.root, environment.run)


if __name__ == "__main__":
    main()

"""Program of the first step of a retraining on Kubeflow: the pass over the inbox.

It takes every complete delivery, assesses batches and decides on them, as `carryover retrain` does.
At the first batch that needs a run of the pipeline, the pass ends: that run is the other steps, and
the last of them writes its result to the ledger. Further batches are left to the next run.
"""

import sys

from components.pusher.version_store import VersionStore
from pipeline.config.path_check import check_inbox
from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.kubeflow.begun_run import BegunRun, new_run, read_run_config
from pipeline.kubeflow.extra_tasks import DECISION, NEWEST, NEXT, NO_GROUP, TRAINING
from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.stored_run import StoredRun
from pipeline.logs.command_log import CommandLog
from pipeline.retraining.notices import Notices
from pipeline.retraining.pass_cleaning import clean_after
from pipeline.retraining.retraining_pass import RetrainingPass
from pipeline.running.run_failure import run_error
from pipeline.terminal.safe_console import SafeConsole
from pipeline.terminal.standard_streams import prepare_streams
from pipeline.version_lookup import serving_version
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.workspace_files.lease import release_lease

#: Value of the parameters of tasks that do not follow: it has all types, and nobody reads it.
NOTHING = "0"


class TrainingStart:
    """Begins a training on Kubeflow in place of running the pipeline in this process.

    Attributes:
        begun: The run, once it has begun.
    """

    def __init__(self, environment: StepEnvironment) -> None:
        """Name the run on Kubeflow.

        Args:
            environment: Environment of the step.
        """
        self.begun: BegunRun | None = None
        self._environment = environment

    def __call__(self, config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> None:
        """See `pipeline.retraining.retraining_pass.RunFunction`."""
        run = new_run(config.for_retraining(), config, workspace, snapshot, self._environment.run)
        try:
            self.begun = BegunRun.begin(run, self._environment.step, NEWEST)
        except Exception as error:
            release_lease(workspace.root, self._environment.run)
            log = workspace.log(run.run_id)
            raise run_error(self._environment.step, error, log) from error


def main() -> None:
    """Run the pass, and write all output parameters of the step."""
    prepare_streams()
    step, environment = ExecutorInput(sys.argv[1]), StepEnvironment.read()
    config = read_run_config(step.parameters)
    check_inbox(config)
    workspace = Workspace(config.workspace)
    serving_version(VersionStore(workspace.root, config.name))  # a pass needs one
    release_lease(workspace.root, environment.run)  # an earlier attempt of this step was killed
    start, notices = TrainingStart(environment), Notices(command=config.notify.command)
    log = CommandLog("retrain", workspace.root)
    with notices.tell_failure():
        retraining_pass = RetrainingPass(config, notices, SafeConsole(width=100), start, log)
        retraining_pass.run()
    parameters = dict.fromkeys(step.output_parameters, NOTHING) | {NEXT: NO_GROUP}
    if start.begun:
        run = start.begun.run
        StoredRun(run.snapshot, start.begun.baseline, retraining_pass.begun).write(run.folder)
        group = DECISION if run.snapshot.candidate else TRAINING
        parameters |= start.begun.parameters | {NEXT: group}
    else:
        clean_after(config, log)
    for name in step.output_parameters:
        step.write_parameter(name, parameters[name])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"carryover: {error}")

"""Environment variables by which every step knows its run, its workspace and itself.

As inputs of the steps they would be part of the key of Kubeflow's cache, and no step would ever
come from it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from trainer_module.contract.errors import InputError

WORKSPACE, STEP, RUN = "CARRYOVER_WORKSPACE", "CARRYOVER_STEP", "CARRYOVER_KUBEFLOW_RUN"

#: Label that Kubeflow gives every pod of a run: its value is the id of the run.
RUN_LABEL = "pipeline/runid"


@dataclass(frozen=True)
class StepEnvironment:
    """What a step knows from its environment.

    Attributes:
        workspace: Folder of the workspace.
        step: Name of the step.
        run: Id of the run on Kubeflow.
    """

    workspace: Path
    step: str
    run: str

    @classmethod
    def read(cls) -> "StepEnvironment":
        """Read the environment of this process.

        Raises:
            InputError: A variable is missing.
        """
        missing = [name for name in (WORKSPACE, STEP, RUN) if not os.environ.get(name)]
        if missing:
            raise InputError(
                f"the environment lacks {', '.join(missing)}. Kubeflow Pipelines 2.1 or newer sets "
                "it for the steps of a pipeline that carryover compile wrote."
            )
        return cls(Path(os.environ[WORKSPACE]), os.environ[STEP], os.environ[RUN])

    @staticmethod
    def variables(workspace: str, step: str) -> list[dict[str, str]]:
        """Return the variables of a step whose values are known when it is compiled.

        Args:
            workspace: Folder of the workspace.
            step: Name of the step.
        """
        return [{"name": WORKSPACE, "value": workspace}, {"name": STEP, "value": step}]

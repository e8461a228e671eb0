"""Program of a step on Kubeflow: copy a model from the workspace to an artifact.

Kubeflow's Importer reads only from an object store, not from a volume.
"""

import shutil
import sys

from pipeline.kubeflow.programs.executor_input import ExecutorInput
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import noted_failures


def main() -> None:
    """Copy the SavedModel in the parameter `folder` to the layout of a TFX model artifact."""
    step = ExecutorInput(sys.argv[1])
    target = f"{step.output_path('result')}/Format-Serving"
    with noted_failures(StepEnvironment.read()):
        shutil.copytree(step.parameters["folder"], target, dirs_exist_ok=True)


if __name__ == "__main__":
    main()

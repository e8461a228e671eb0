"""Runs by itself: the model to beat, from the serving directory into an artifact.

Kubeflow's Importer takes what is in an object store, and nothing from a volume.
"""

import shutil
import sys

from pipeline.kubeflow.programs.executor_input import ExecutorInput


def main() -> None:
    """Copy the version that the parameter `folder` names, in the layout of a TFX model."""
    step = ExecutorInput(sys.argv[1])
    target = f"{step.output('result')}/Format-Serving"
    shutil.copytree(step.parameters["folder"], target, dirs_exist_ok=True)


if __name__ == "__main__":
    main()

"""Candidate of a run on Kubeflow in the workspace, so that a person or labels can still push it.

Its artifacts are in the object store, which the commands that push it cannot read.
"""

import shutil
from pathlib import Path

from pipeline.kubeflow.extra_tasks import CANDIDATE_ARTIFACTS
from pipeline.running.run import Run
from pipeline.summary.run_outputs import Outputs, write_outputs

#: Folder in the folder of a run.
FOLDER = "candidate"


def keep_candidate(run: Run, outputs: Outputs) -> None:
    """Copy what a push of the candidate needs to the folder of its run, and list it there.

    Args:
        run: Run whose candidate is not pushed.
        outputs: Folders of the artifacts of the run.
    """
    kept: Outputs = {}
    for task, output in CANDIDATE_ARTIFACTS:
        if task not in outputs:  # a run has either a Trainer or an earlier candidate
            continue
        target = run.folder / FOLDER / task / output
        shutil.copytree(Path(outputs[task][output]), target, dirs_exist_ok=True)
        kept.setdefault(task, {})[output] = str(target)
    write_outputs(kept, run.folder)

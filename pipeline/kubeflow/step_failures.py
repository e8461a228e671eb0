"""Why the steps of a run failed: notes in the folder of the run, for the step that ends it.

A step notes that it works before it begins, so that one that Kubernetes kills leaves a note, too.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.logs.command_log import CommandLog
from pipeline.running.run_failure import RunFailedError, run_error
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.errors import DataError, InputError, UnavailableError
from trainer_module.contract.workspace_files.lease import leased
from trainer_module.contract.workspace_files.state_files import read_json_object

#: Folder in the folder of a run, with one file per step that works or has failed.
FOLDER = "steps"

#: Reason of a step that could not say one.
KILLED = (
    "failed: its container was stopped, as when it needs more memory than its node has. Its log in "
    "Kubeflow may say why"
)

_KINDS: dict[str, type[InputError]] = {
    kind.__name__: kind for kind in (DataError, UnavailableError, InputError)
}


@dataclass(frozen=True)
class StepFailure:
    """Why a step failed.

    Attributes:
        reason: What is wrong, in one line.
        kind: Name of the `InputError`; "" for any other error.
        is_known: Whether the step itself has told the reason.
    """

    reason: str
    kind: str = ""
    is_known: bool = True

    def error(self, log: Path) -> InputError | RunFailedError:
        """Return the error that the step ended with.

        Args:
            log: Log of the run, which holds the traceback.
        """
        return _KINDS[self.kind](self.reason) if self.kind else RunFailedError(self.reason, log)


@contextlib.contextmanager
def noted_failures(environment: StepEnvironment) -> Iterator[None]:
    """Hold the lease of the run while a step works, and note why it fails.

    Args:
        environment: Environment of the step.

    Raises:
        UnavailableError: The run has lost the lease of the workspace.
    """
    workspace, step = Workspace(environment.workspace), environment.step
    with leased(environment.workspace, environment.run) as lease:
        note = workspace.runs / lease.run_id / FOLDER / f"{step}.json"
        note.parent.mkdir(exist_ok=True)
        _write(note, StepFailure(f"{step} {KILLED}", is_known=False))
        try:
            yield
        except Exception as error:
            log = CommandLog(step)
            log.use_file(_log_of(workspace, lease.run_id))
            log.write_error(error)
            found = run_error(step, error, workspace.log(lease.run_id))
            kinds = [name for name, kind in _KINDS.items() if isinstance(found, kind)]
            reason = found.reason if isinstance(found, RunFailedError) else str(found)
            _write(note, StepFailure(reason, kinds[0] if kinds else ""))
            raise
        note.unlink()


def read_failure(folder: Path) -> StepFailure:
    """Return why a run failed.

    Args:
        folder: Folder of the run.
    """
    notes = sorted((folder / FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime)
    failures = [
        StepFailure(**read_json_object(path, "note of a step", "Start a new run."))
        for path in notes
    ]
    known = [failure for failure in failures if failure.is_known]
    unexplained = StepFailure("a step failed before it began. Kubeflow shows which, and why")
    return (known or failures or [unexplained])[0]


def _write(note: Path, failure: StepFailure) -> None:
    atomic_write(note, json.dumps(asdict(failure)) + "\n")


def _log_of(workspace: Workspace, run_id: str) -> Path:
    path = workspace.log(run_id)
    path.parent.mkdir(exist_ok=True)
    return path

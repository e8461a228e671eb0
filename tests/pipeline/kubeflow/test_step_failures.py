"""Why a step on Kubeflow failed, as the step that ends the run learns it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import StepFailure, noted_failures, read_failure
from pipeline.running.run_failure import RunFailedError, find_machine_fault
from pipeline.workspace import Workspace
from trainer_module.contract.errors import DataError, InputError, UnavailableError
from trainer_module.contract.workspace_files.lease import Lease

RUN = "20260101-000000"

KILLED_STEP = """
import os, signal, sys
from pathlib import Path
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import noted_failures

with noted_failures(StepEnvironment(Path(sys.argv[1]), "Trainer", "run-1")):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    (workspace.runs / RUN).mkdir(parents=True)
    Lease("run-1", RUN).write(workspace.root)
    return workspace


def fail(workspace: Workspace, step: str, error: Exception) -> None:
    with pytest.raises(type(error)), noted_failures(StepEnvironment(workspace.root, step, "run-1")):
        raise error


def failure(workspace: Workspace) -> StepFailure:
    return read_failure(workspace.runs / RUN)


@pytest.mark.parametrize("kind", [InputError, DataError, UnavailableError])
def test_bad_input_keeps_its_kind_which_decides_what_becomes_of_the_batch(workspace, kind):
    fail(workspace, "DataGate", kind("too dark"))
    error = failure(workspace).error(workspace.log(RUN))
    assert type(error) is kind
    assert str(error) == "too dark"


def test_any_other_error_names_the_step_and_its_traceback_is_in_the_log_of_the_run(workspace):
    fail(workspace, "Trainer", RuntimeError("shapes differ"))
    log = workspace.log(RUN)
    error = failure(workspace).error(log)
    assert isinstance(error, RunFailedError)
    assert str(error) == f"Trainer failed: shapes differ (traceback: {log})"
    assert 'RuntimeError("shapes differ")' not in log.read_text()
    assert "RuntimeError: shapes differ" in log.read_text()
    assert find_machine_fault(error) is None


def test_a_full_disk_is_still_recognised_as_a_fault_of_the_machine(workspace):
    fail(workspace, "Transform", OSError(28, "No space left on device"))
    assert find_machine_fault(failure(workspace).error(workspace.log(RUN)))


def test_a_step_that_kubernetes_kills_leaves_a_reason(workspace):
    command = [sys.executable, "-c", KILLED_STEP, str(workspace.root)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert failure(workspace).reason.startswith("Trainer failed: its container was stopped")


def test_an_error_is_the_reason_and_not_a_step_that_was_stopped_because_of_it(workspace):
    command = [sys.executable, "-c", KILLED_STEP, str(workspace.root)]
    subprocess.run(command, cwd=ROOT, check=False)
    fail(workspace, "DataGate", DataError("too dark"))
    fail(workspace, "StatisticsGen", RuntimeError("later"))
    assert failure(workspace).reason == "too dark"


def test_an_attempt_that_succeeds_forgets_the_earlier_one(workspace):
    fail(workspace, "Trainer", RuntimeError("once"))
    with noted_failures(StepEnvironment(workspace.root, "Trainer", "run-1")):
        pass
    assert failure(workspace).reason.startswith("a step failed before it began")


def test_a_step_that_has_lost_the_workspace_changes_nothing(workspace):
    Lease("run-2", RUN).write(workspace.root)
    environment = StepEnvironment(workspace.root, "Pusher", "run-1")
    lost = pytest.raises(UnavailableError, match="no longer reserved for run run-1")
    with lost, noted_failures(environment):
        pytest.fail("the step has run")
    assert not (workspace.runs / RUN / "steps").exists()


def test_a_step_without_its_environment_says_what_sets_it(monkeypatch):
    monkeypatch.setenv("CARRYOVER_WORKSPACE", "/mnt/models")
    monkeypatch.setenv("CARRYOVER_STEP", "Trainer")
    monkeypatch.delenv("CARRYOVER_KUBEFLOW_RUN", raising=False)
    with pytest.raises(InputError, match=r"lacks CARRYOVER_KUBEFLOW_RUN\. Kubeflow Pipelines 2\.1"):
        StepEnvironment.read()

"""Which process may join a training, and which one runs the pipeline."""

import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.running.join_command import prepare_chief
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@pytest.fixture
def set_task(monkeypatch):
    """Sets TF_CONFIG to a cluster of a chief and a worker, and this process to one of them."""

    def set_task(role: str, index: int = 0) -> None:
        cluster = {"chief": ["one:1"], "worker": ["two:1"]}
        task = {"type": role, "index": index}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))

    return set_task


def join(workspace) -> InputError:
    result = CliRunner().invoke(app, ["join", "--workspace", str(workspace)])
    assert isinstance(result.exception, InputError)
    return result.exception


def test_a_process_without_a_cluster_cannot_join(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert "names no other process" in str(join(tmp_path))


def test_the_chief_does_not_join(tmp_path, set_task):
    set_task("chief")
    assert "Run the pipeline here" in str(join(tmp_path))


def test_a_worker_cannot_run_the_pipeline_and_is_told_to_join(tmp_path, set_task):
    set_task("worker")
    with pytest.raises(
        InputError, match=r"process \(two:1\) is not the chief. Run `carryover join"
    ):
        prepare_chief(Workspace(tmp_path))


def test_a_chief_removes_the_training_of_a_killed_one(tmp_path, set_task):
    jobs = Workspace(tmp_path).training_jobs
    jobs.mkdir()
    (jobs / "training_job.json").write_text("{}")
    set_task("chief")
    prepare_chief(Workspace(tmp_path))
    assert list(jobs.iterdir()) == []


@pytest.mark.parametrize("command", ["crossval", "tune"])
def test_a_command_that_trains_in_one_process_does_not_wait_for_workers(
    tmp_path, set_task, command
):
    set_task("chief")
    result = CliRunner().invoke(app, [command, "--data", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "Unset TF_CONFIG" in str(result.exception)

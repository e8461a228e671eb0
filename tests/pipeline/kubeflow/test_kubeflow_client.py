"""`carryover submit`, against a server that checks requests with the models of kfp's client."""

from pathlib import Path

import pytest
import yaml
from fake_kubeflow import fake_kubeflow
from typer.testing import CliRunner

from pipeline.cli import app
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

SPEC = {
    "pipelineInfo": {"name": "shapes"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx",
    "components": {"Step": {"executorLabel": "Step_executor"}},
    "deploymentSpec": {
        "executors": {"Step_executor": {"container": {"image": "i", "command": ["true"]}}}
    },
    "root": {
        "inputDefinitions": {
            "parameters": {
                "data": {"parameterType": "STRING", "defaultValue": "/mnt/pictures"},
                "seed": {"parameterType": "NUMBER_INTEGER", "defaultValue": 17},
            }
        },
        "dag": {"tasks": {"Step": {"componentRef": {"name": "Step"}, "taskInfo": {"name": "S"}}}},
    },
}


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "shapes.yaml"
    path.write_text(yaml.safe_dump(SPEC))
    return path


def submit(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and output."""
    result = CliRunner().invoke(app, ["submit", *arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_run_gets_its_parameters_and_submit_waits_for_its_end(file):
    with fake_kubeflow("PENDING", "RUNNING", "SUCCEEDED") as server:
        arguments = ("--param", "seed=3", "--wait", "--poll", "0.1", "--experiment", "retraining")
        code, output = submit("--host", server.url, str(file), *arguments)
    assert code == 0
    assert "run: run-1" in output
    assert "state: SUCCEEDED" in output
    [experiment], [run] = server.created["experiment"], server.created["run"]
    assert experiment["display_name"] == "retraining"
    assert run["experiment_id"] == experiment["experiment_id"]
    assert run["display_name"] == "shapes"
    assert run["runtime_config"]["parameters"] == {"seed": 3}
    reference = {"pipeline_id": "pipeline-1", "pipeline_version_id": "version-1"}
    assert run["pipeline_version_reference"] == reference
    assert yaml.safe_load(server.uploads[0]) == SPEC


@pytest.mark.parametrize("schedule", [(), ("--cron", "0 0 3 * * *")])
def test_the_pods_of_a_run_have_the_service_account_that_is_named(file, schedule):
    with fake_kubeflow() as server:
        submit("--host", server.url, str(file), "--service-account", "trainer", *schedule)
    [created] = server.created["recurring" if schedule else "run"]
    assert created["service_account"] == "trainer"


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_does_not_succeed_ends_with_exit_code_1(file, state):
    with fake_kubeflow(state) as server:
        code, output = submit("--host", server.url, str(file), "--wait", "--poll", "0.1")
    assert (code, f"state: {state}" in output) == (1, True)


def test_a_schedule_runs_once_at_a_time_and_does_not_catch_up_on_missed_runs(file):
    with fake_kubeflow() as server:
        code, output = submit("--host", server.url, str(file), "--cron", "0 0 3 * * *")
    assert (code, "scheduled: recurring-1" in output) == (0, True)
    [recurring] = server.created["recurring"]
    assert recurring["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * *"}}
    assert recurring["max_concurrency"] == "1"
    assert recurring["no_catchup"] is True
    assert recurring["mode"] == "ENABLE"


def test_a_changed_file_is_uploaded_as_a_new_version_and_an_unchanged_file_only_once(file):
    with fake_kubeflow() as server:
        submit("--host", server.url, str(file))
        file.write_text(file.read_text() + "# changed\n")
        for _ in range(2):
            submit("--host", server.url, str(file))
    assert len(server.created["pipeline"]) == len(server.created["experiment"]) == 1
    used = [
        run["pipeline_version_reference"]["pipeline_version_id"] for run in server.created["run"]
    ]
    assert used == ["version-1", "version-2", "version-2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--param", "sede=3"], ["data, seed", "sede=3"]),
        (["--param", "seed=three"], ["seed", "int", "three"]),
        (["--cron", "0 3 * * *"], ["six fields", "0 3 * * *"]),
        (["--cron", "0 0 3 * * *", "--wait"], ["--wait", "schedule"]),
        ([], ["127.0.0.1:9", "--host"]),
    ],
)
def test_bad_input_is_refused_in_one_line(file, arguments, words):
    with pytest.raises(InputError) as error:
        submit("--host", "http://127.0.0.1:9", str(file), *arguments)
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words)


def test_a_file_that_is_not_a_pipeline_is_refused(tmp_path):
    with pytest.raises(InputError, match="carryover compile"):
        submit("--host", "http://127.0.0.1:9", str(tmp_path / "none.yaml"))
    (tmp_path / "other.yaml").write_text("a: 1\n")
    with pytest.raises(InputError, match="is not a pipeline"):
        submit("--host", "http://127.0.0.1:9", str(tmp_path / "other.yaml"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[" * 5000, "the file is not YAML"),
        (r'a: "\UFFFFFFFF"', "the file is not YAML"),
        (f"a: {'1' * 5000}", "the file is not YAML"),
        ("pipelineInfo: {name: x}\nroot: [1]\n", "declares no parameters of a pipeline"),
        ("pipelineInfo: {name: x}\n", "declares no parameters of a pipeline"),
    ],
    ids=["deep", "escape", "digits", "list", "nothing"],
)
def test_a_damaged_pipeline_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "pipeline.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=f"{words}. Create it with carryover compile"):
        submit("--host", "http://127.0.0.1:9", str(path))

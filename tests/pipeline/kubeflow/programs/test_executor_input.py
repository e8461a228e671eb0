"""What a step is told, and where it finds it."""

import json

import pytest

from pipeline.kubeflow.programs.executor_input import ExecutorInput, local_path
from pipeline.kubeflow.programs.run_component import localize, restore


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("minio://bucket/a", "/minio/bucket/a"),
        ("/mnt/volume/a", "/mnt/volume/a"),
    ],
)
def test_a_step_finds_artifacts_where_the_launcher_copied_them(uri, path, monkeypatch):
    monkeypatch.delenv("ARTIFACT_LOCAL_PATH", raising=False)
    assert local_path(uri) == path


def executor_input(tmp_path) -> dict:
    model = {"artifacts": [{"uri": "minio://bucket/model", "metadata": {"a": 1}}]}
    pushed = {"artifacts": [{"uri": "minio://bucket/pushed", "name": "its name"}]}
    return {
        "inputs": {"parameterValues": {"seed": 17.0}, "artifacts": {"model": model}},
        "outputs": {
            "artifacts": {"pushed": pushed},
            "parameters": {"run_id": {"outputFile": str(tmp_path / "out" / "run_id")}},
        },
    }


def test_a_component_gets_folders_and_names_and_answers_with_uris(tmp_path, monkeypatch):
    monkeypatch.delenv("ARTIFACT_LOCAL_PATH", raising=False)
    given = executor_input(tmp_path)
    uris = localize(given)
    [model] = given["inputs"]["artifacts"]["model"]["artifacts"]
    assert (model["uri"], model["name"]) == ("/minio/bucket/model", "minio://bucket/model")
    [pushed] = given["outputs"]["artifacts"]["pushed"]["artifacts"]
    assert (pushed["uri"], pushed["name"]) == ("/minio/bucket/pushed", "its name")

    answer = {"artifacts": {"pushed": {"artifacts": [{"uri": "/minio/bucket/pushed"}]}}}
    restore(answer, uris)
    assert answer["artifacts"]["pushed"]["artifacts"] == [{"uri": "minio://bucket/pushed"}]


def test_a_step_of_ours_reads_its_inputs_and_writes_its_parameters(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACT_LOCAL_PATH", "/base")
    step = ExecutorInput(json.dumps(executor_input(tmp_path)))
    assert step.parameters == {"seed": 17.0}
    assert step.artifacts == ["model"]
    assert step.artifact("model") == "/base/minio/bucket/model"
    assert step.output("pushed") == "/base/minio/bucket/pushed"
    assert step.output_parameters == ["run_id"]
    step.write_parameter("run_id", 3)
    assert (tmp_path / "out" / "run_id").read_text() == "3"

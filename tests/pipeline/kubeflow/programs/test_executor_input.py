"""Inputs and outputs of a step."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.kubeflow.programs.executor_input import ExecutorInput, local_path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("minio://bucket/a", "/minio/bucket/a"),
        ("/mnt/volume/a", "/mnt/volume/a"),
    ],
)
def test_a_uri_becomes_the_folder_to_which_the_launcher_copies_it(uri, path, monkeypatch):
    monkeypatch.delenv("ARTIFACT_LOCAL_PATH", raising=False)
    assert local_path(uri) == path


def executor_input(tmp_path: Path) -> dict[str, Any]:
    model = {"artifacts": [{"uri": "minio://bucket/model", "metadata": {"a": 1}}]}
    pushed = {"artifacts": [{"uri": "minio://bucket/pushed", "name": "its name"}]}
    return {
        "inputs": {"parameterValues": {"seed": 17.0}, "artifacts": {"model": model}},
        "outputs": {
            "artifacts": {"pushed": pushed},
            "parameters": {"run_id": {"outputFile": str(tmp_path / "out" / "run_id")}},
        },
    }


def test_a_step_reads_its_inputs_and_writes_its_output_parameters(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACT_LOCAL_PATH", "/base")
    step = ExecutorInput(json.dumps(executor_input(tmp_path)))
    assert step.parameters == {"seed": 17.0}
    assert step.input_artifacts == ["model"]
    assert step.input_path("model") == "/base/minio/bucket/model"
    assert step.output_path("pushed") == "/base/minio/bucket/pushed"
    assert step.output_parameters == ["run_id"]
    step.write_parameter("run_id", 3)
    assert (tmp_path / "out" / "run_id").read_text() == "3"

"""ServingCheck as TFX runs it, with the probe in a process of its own."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_evaluation import at, model_artifact
from tiny_models import ColourModel, example, save_model, write_shard

from components.serving_check import executor
from components.serving_check.executor import ServingCheckExecutor, read_problems, run_probe

pytestmark = pytest.mark.component


def check(folder: Path, model: ColourModel) -> Artifact:
    examples = at(standard_artifacts.Examples(), folder / "examples")
    examples.split_names = '["train", "eval", "test"]'
    write_shard(folder / "examples" / "Split-train", [example("day", "red", (255, 0, 0))] * 2)
    blessing = at(standard_artifacts.InfraBlessing(), folder / "blessing")
    inputs = {"model": [model_artifact(folder / "model", model)], "examples": [examples]}
    ServingCheckExecutor().Do(inputs, {"blessing": [blessing]}, {"code": "code"})
    return blessing


def test_a_model_with_invalid_probabilities_is_not_blessed_and_the_problem_is_kept(tmp_path):
    blessing = check(tmp_path, ColourModel(factor=float("nan")))
    assert blessing.get_int_custom_property("blessed") == 0
    assert Path(blessing.uri, "INFRA_NOT_BLESSED").is_file()
    assert "probabilities do not sum to one" in read_problems(blessing.uri)


def test_a_good_model_is_blessed(tmp_path):
    blessing = check(tmp_path, ColourModel())
    assert blessing.get_int_custom_property("blessed") == 1
    assert Path(blessing.uri, "INFRA_BLESSED").is_file()
    assert read_problems(blessing.uri) == []


def test_a_model_that_hangs_is_a_problem_after_the_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "TIME_LIMIT", 0.1)
    shard = write_shard(tmp_path / "examples", [example("day", "red", (255, 0, 0))])
    findings = run_probe(str(save_model(tmp_path / "model", ColourModel())), [shard])
    assert findings["problems"] == ["no response within 0.1 s"]


def test_a_probe_that_crashes_is_a_problem_with_its_last_line_of_output(tmp_path, monkeypatch):
    program = tmp_path / "probe.py"
    program.write_text("import sys; sys.exit('out of memory')")
    monkeypatch.setattr(executor.probe, "__file__", str(program))
    assert run_probe("model", [])["problems"] == ["the process ended with code 1: out of memory"]


def test_the_probe_runs_in_an_empty_folder_and_without_our_code_on_its_path(tmp_path, monkeypatch):
    program = tmp_path / "probe.py"
    program.write_text(
        "import json, os, sys\n"
        "print('noise')\n"
        "print(json.dumps({'problems': os.listdir(), 'seconds': 0, 'path': sys.path}))\n"
    )
    monkeypatch.setattr(executor.probe, "__file__", str(program))
    monkeypatch.setenv("PYTHONPATH", "/of/ours")
    findings = run_probe("model", [])
    assert findings["problems"] == []
    assert not {"", ".", "/of/ours", str(tmp_path)} & set(findings["path"])


def test_the_probe_sees_no_gpu(tmp_path, monkeypatch):
    program = tmp_path / "probe.py"
    program.write_text(
        "import json, os\n"
        "print(json.dumps({'problems': [os.environ['CUDA_VISIBLE_DEVICES']], 'seconds': 0}))\n"
    )
    monkeypatch.setattr(executor.probe, "__file__", str(program))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert run_probe("model", [])["problems"] == ["-1"]

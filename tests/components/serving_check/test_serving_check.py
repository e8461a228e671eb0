"""ServingCheck as TFX runs it, with the probe in a process of its own."""

from pathlib import Path

import pytest
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_evaluation import at, model_artifact
from tiny_models import ColourModel, example, write_shard

from components.serving_check.executor import ServingCheckExecutor, read_problems

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

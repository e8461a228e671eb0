"""`carryover tune` on real pictures and TFX's real components."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import carryover, run_arguments

from pipeline.config.parsing.yaml_parser import parse_yaml

pytestmark = pytest.mark.slow

#: Trials of a few seconds.
SETTINGS = {"image_size": 32, "frozen__epochs": 2, "fine_tuning__epochs": 1}


@pytest.fixture(name="site", scope="module")
def _site(data, tmp_path_factory) -> Path:
    """A folder with pictures in which something can be learned."""
    folder = tmp_path_factory.mktemp("tune")
    shutil.copytree(data, folder / "data", ignore=shutil.ignore_patterns("noise"))
    return folder


def tune(site: Path, trials: int) -> tuple[str, dict[str, Any]]:
    """Search with a number of trials; return the output, and the content of tuning.json."""
    _, *options = run_arguments(site / "data", site / "workspace", **SETTINGS)
    output = site / "out"
    limits = ("--minutes", "30", "--trials", str(trials), "--output", str(output))
    done = carryover("tune", *options, *limits)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, json.loads((output / "tuning.json").read_text())


def test_the_best_options_are_a_config_that_runs_and_the_search_continues_without_the_test_split(
    site,
):
    output, result = tune(site, trials=2)
    assert [trial["status"] for trial in result["trials"]] == ["complete", "complete"]
    assert "trial 1: " in output
    assert "minutes left" in output

    # TFX's Trainer reads the only file of its `hyperparameters` as JSON.
    [artifact] = (site / "workspace" / "artifacts" / "Tuner" / "best_hyperparameters").iterdir()
    [file] = artifact.iterdir()
    best = result["trials"][result["best"]]
    assert json.loads(file.read_text())["values"] == best["values"]

    tuned = site / "out" / "tuned.yaml"
    config = parse_yaml(tuned.read_text()).value
    assert result["changes"]
    for key, value in result["changes"].items():
        group, name = key.split(".")
        assert config[group][name] == value == best["values"][key]
    assert config["image_size"] == 32
    run = carryover("run", "--config", str(tuned), "--set", "gate.min_accuracy=0")
    assert run.returncode == 0, run.stdout + run.stderr

    # Whoever reads the test split from now on fails.
    splits = list((site / "workspace" / "artifacts").glob("*/*/*/Split-test"))
    shards = [shard for split in splits for shard in split.iterdir()]
    assert shards
    for shard in shards:
        shard.write_bytes(b"no records")
    output, continued = tune(site, trials=3)
    assert "continuing after 2 trials" in output
    assert continued["trials"][:2] == result["trials"]
    assert [trial["status"] for trial in continued["trials"]] == ["complete"] * 3
    transformed = site / "workspace" / "artifacts" / "Transform" / "transformed_examples"
    assert {path.name for path in transformed.glob("*/Split-*")} == {"Split-train", "Split-eval"}

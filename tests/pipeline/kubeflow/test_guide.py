"""docs/kubeflow.md does what it says, as far as that is possible without a cluster."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from fake_kubeflow import fake_kubeflow
from typer.testing import CliRunner

from pipeline.cli import app

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "kubeflow.md").read_text()

#: Commands of others, which want a cluster or an engine that builds images.
OTHERS = ("docker", "kubectl")


def blocks() -> list[str]:
    """Indented parts of the guide, without their indentation."""
    found = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", GUIDE, re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).strip() for block in found]


def commands() -> list[list[str]]:
    """Every command that the guide shows, in its order."""
    lines = [line for block in blocks() if ": " not in block for line in block.splitlines()]
    return [shlex.split(line) for line in lines]


def yaml_with(key: str) -> str:
    [block] = [block for block in blocks() if block.startswith(f"{key}:")]
    return block


def test_the_commands_of_the_guide_lead_to_a_scheduled_retraining(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kubeflow.yaml").write_text(yaml_with("name"))
    ours = [words[1:] for words in commands() if words[0] == "carryover"]
    assert {words[0] for words in commands()} == {"carryover", *OTHERS}
    with fake_kubeflow() as server:
        for words in ours:
            local = [word.replace("http://localhost:8080", server.url) for word in words]
            done = CliRunner().invoke(app, local)
            assert done.exit_code == 0, (words, done.output, done.exception)
    assert len(server.made["run"]) == 2
    assert server.made["run"][1]["runtime_config"]["parameters"] == {"seed": 18, "image_size": 96}
    [recurring] = server.made["recurring"]
    assert recurring["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    scheduled = yaml.safe_load(server.uploads[1].split("\n---\n")[0])
    assert "Baseline" in scheduled["root"]["dag"]["tasks"]


def test_the_volume_of_the_guide_is_the_one_of_its_config():
    claim = yaml.safe_load(yaml_with("apiVersion"))
    config = yaml.safe_load(yaml_with("name"))
    assert claim["kind"] == "PersistentVolumeClaim"
    assert list(config["kubeflow"]["volumes"]) == [claim["metadata"]["name"]]


@pytest.mark.parametrize("name", ["data", "image_size", "seed", "baseline_uri"])
def test_every_parameter_of_a_run_is_explained(name):
    assert f"`{name}`" in GUIDE

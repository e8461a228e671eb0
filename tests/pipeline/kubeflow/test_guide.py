"""docs/kubeflow.md does what it says, as far as that is possible without a cluster."""

from pathlib import Path

import pytest
import yaml
from documentation import page
from fake_kubeflow import fake_kubeflow
from typer.testing import CliRunner

from pipeline.cli import app

pytestmark = pytest.mark.component

GUIDE = page("docs/kubeflow.md")

#: Commands of others, which want a cluster or an engine that builds images.
OTHERS = ("docker", "kubectl")


def yaml_with(key: str) -> str:
    [block] = [block for block in GUIDE.blocks("yaml") if block.startswith(f"{key}:")]
    return block


def test_the_commands_of_the_guide_lead_to_a_scheduled_retraining(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kubeflow.yaml").write_text(yaml_with("name"))
    assert {words[0] for words in GUIDE.shell_commands()} == {"carryover", *OTHERS}
    with fake_kubeflow() as server:
        for words in GUIDE.carryover_commands():
            local = [word.replace("http://localhost:8080", server.url) for word in words]
            done = CliRunner().invoke(app, local)
            assert done.exit_code == 0, (words, done.output, done.exception)
    assert len(server.created["run"]) == 3
    assert server.created["run"][2]["runtime_config"]["parameters"] == {
        "seed": 18,
        "image_size": 96,
    }
    [recurring] = server.created["recurring"]
    assert recurring["trigger"]["cron_schedule"]["cron"] == "0 0 * * * *"
    scheduled = yaml.safe_load(server.uploads[1].split("\n---\n")[0])
    assert "Pass" in scheduled["components"]


def test_the_volume_of_the_guide_is_the_one_of_its_config():
    claim = yaml.safe_load(yaml_with("apiVersion"))
    config = yaml.safe_load(yaml_with("name"))
    assert claim["kind"] == "PersistentVolumeClaim"
    assert list(config["kubeflow"]["volumes"]) == [claim["metadata"]["name"]]


@pytest.mark.parametrize("name", ["data", "image_size", "seed", "inbox", "baseline_uri"])
def test_every_parameter_of_a_run_is_explained(name):
    assert f"`{name}`" in GUIDE.text

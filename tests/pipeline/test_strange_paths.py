"""Paths with strange names, through every command that takes them."""

import json
import os
from pathlib import Path

import pytest
import yaml
from strange_names import LITERAL, NOT_UTF8, PATTERNS
from tiny_pictures import solid, write_files
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import take_snapshot
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.inbox import find_deliveries
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

TF_CONFIG = {
    "cluster": {"chief": ["localhost:1"], "worker": ["localhost:2"]},
    "task": {"type": "worker", "index": 0},
}

#: Words of every command that reads or writes models in a workspace.
COMMANDS = {
    "run": ["run", "--data", "data"],
    "inspect": ["inspect", "--data", "data", "--output", "out"],
    "crossval": ["crossval", "--data", "data", "--output", "out"],
    "tune": ["tune", "--data", "data", "--output", "out"],
    "retrain": ["retrain", "--inbox", "inbox"],
    "predict": ["predict", "data"],
    "serve": ["serve", "--port", "0"],
    "export": ["export", "--format", "onnx"],
    "join": ["join"],
}


def refusal(words: list[str]) -> str:
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


@pytest.fixture(name="site")
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path / "data", {"day/red/1.png": solid((9, 9, 9))})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", [PATTERNS[0], PATTERNS[3], NOT_UTF8])
def test_every_command_refuses_such_a_workspace_before_it_runs(site, monkeypatch, name, command):
    if command == "join":
        monkeypatch.setenv("TF_CONFIG", json.dumps(TF_CONFIG))
    (site / name / "serving" / "model" / "1").mkdir(parents=True)
    line = refusal([*COMMANDS[command], "--workspace", name])
    assert line.startswith("workspace ")
    assert "its path holds the " in line
    assert line.endswith("or give another workspace with --workspace DIR.")
    assert not (site / name / "runs").exists()


@pytest.mark.parametrize("name", PATTERNS)
def test_a_temporary_workspace_in_such_a_folder_is_blamed_on_tmpdir(site, monkeypatch, name):
    (site / name).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(site / name))
    line = refusal(COMMANDS["inspect"])
    assert line.endswith("file pattern. Name another folder for temporary files in TMPDIR.")


@pytest.mark.parametrize("name", [NOT_UTF8, "n" * 256])
@pytest.mark.parametrize("command", ["run", "inspect"])
def test_data_that_cannot_be_recorded_are_refused(site, command, name):
    line = refusal([command, "--data", name, "--workspace", "workspace"])
    assert line.startswith("data ")
    assert line.endswith("Rename it, and give its new path with --data.")


@pytest.mark.parametrize("name", [*LITERAL, *PATTERNS])
def test_pictures_below_any_name_are_listed(tmp_path, name):
    write_files(tmp_path / name, {"day/red/1.png": b"x", "night/[2]/2.png": b"y"})
    snapshot = take_snapshot(str(tmp_path / name), tmp_path / "inputs")
    rows = [json.loads(line) for line in snapshot.path.read_text().splitlines()]
    assert snapshot.data_root == str(tmp_path / name)
    assert [(row["path"], row["label"]) for row in rows] == [
        ("day/red/1.png", "red"),
        ("night/[2]/2.png", "[2]"),
    ]


@pytest.mark.component
@pytest.mark.parametrize("name", [*LITERAL, *PATTERNS])
def test_a_batch_and_an_inbox_with_any_name_are_copied(tmp_path, name):
    name = name[:200]
    write_files(tmp_path / name / name, {"day/red/1.png": solid((1, 2, 3)), "_READY": b""})
    [delivery] = find_deliveries(tmp_path / name, 60)
    store = BatchStore(tmp_path / "workspace" / "batches")
    [row] = store.read(store.add(delivery).digest)
    assert (row["name"], row["domain"], row["label"]) == ("day/red/1.png", "day", "red")
    assert (tmp_path / "workspace" / row["path"]).read_bytes() == solid((1, 2, 3))
    assert "\n" not in delivery.name + delivery.source


@pytest.mark.component
def test_a_batch_whose_name_is_not_utf8_is_copied(tmp_path):
    folder = tmp_path / NOT_UTF8 / os.fsdecode(b"\xff\xfe")
    write_files(folder, {"day/red/1.png": solid((1, 2, 3)), "_READY": b""})
    [delivery] = find_deliveries(folder.parent, 60)
    store = BatchStore(tmp_path / "workspace" / "batches")
    assert store.read(store.add(delivery).digest)[0]["name"] == "day/red/1.png"
    assert delivery.name.encode() == b"\\udcff\\udcfe"


@pytest.mark.parametrize("name", [*LITERAL, *PATTERNS, NOT_UTF8])
def test_the_config_of_a_run_is_read_back_as_it_was(tmp_path, name):
    """The workspace keeps the config, from which the next retraining begins."""
    values = {"data": str(tmp_path / name / "data"), "workspace": tmp_path / "workspace"}
    inbox = {"retrain.inbox": tmp_path / name / "inbox"}
    config = load_config(None, [], values | inbox).resolved()
    workspace = Workspace(config.workspace)
    path = workspace.runs / workspace.new_run(config) / "config.yaml"
    assert load_config(path, [], {}) == config


@pytest.mark.parametrize("name", ["~root", *LITERAL, *PATTERNS])
def test_paths_of_a_config_file_are_relative_to_its_folder(tmp_path, monkeypatch, name):
    write_files(tmp_path / name, {"c.yaml": b"data: pictures\nworkspace: models\n"})
    monkeypatch.chdir(tmp_path)
    for path in (Path(name, "c.yaml"), tmp_path / name / "c.yaml"):
        config = load_config(path, [], {}).resolved()
        assert config.data == str(tmp_path / name / "pictures")
        assert config.workspace == tmp_path / name / "models"


def compile_job(output: Path, workspace: str, data: str = "/mnt/in") -> list[str]:
    words = ["compile", "--engine", "training-job", "--output", str(output)]
    words += ["--data", data, "--workspace", workspace, "--set", "image_size=64"]
    return [*words, "--set", "kubeflow.image=i", "--set", "kubeflow.volumes={c: /mnt}"]


@pytest.mark.parametrize("name", LITERAL)
def test_kubernetes_starts_a_worker_with_the_workspace_as_it_is(tmp_path, name):
    result = CliRunner().invoke(app, compile_job(tmp_path / f"{name[:9]}.yaml", f"/mnt/{name}"))
    assert result.exit_code == 0, result.exception
    config_map, job = yaml.safe_load_all((tmp_path / f"{name[:9]}.yaml").read_text())
    [container] = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    # Kubernetes replaces $$ by $, and $(NAME) by a variable.
    assert container["command"][-1].replace("$$", "\0").count("$") == 0
    assert container["command"][-1].replace("$$", "$") == f"/mnt/{name}"
    assert yaml.safe_load(config_map["data"]["config.yaml"])["workspace"] == f"/mnt/{name}"


@pytest.mark.parametrize(
    ("workspace", "data", "words"),
    [
        *((f"/mnt/{name}", "/mnt/in", "takes it for a file pattern") for name in PATTERNS),
        ("/mnt/w", f"/mnt/{NOT_UTF8}", "'data': /mnt/latin\\udce9: its path holds the byte 0xe9"),
        ("/mnt/w", "/mnt/{{$.x}}", "'data': /mnt/{{$.x}}: its path holds {{ and Kubeflow takes"),
        ("/mnt/{{x", "/mnt/in", "'workspace': /mnt/{{x: its path holds {{"),
    ],
)  # fmt: skip
def test_paths_that_kubeflow_would_change_are_refused(tmp_path, workspace, data, words):
    assert words in refusal(compile_job(tmp_path / "job.yaml", workspace, data))
    assert not (tmp_path / "job.yaml").exists()

"""Config and baseline of a run on Kubeflow."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny_pictures import solid, write_files

from components.pusher.version_store import Push
from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.begun_run import BegunRun, choose_baseline, read_run_config
from pipeline.running.run import Run
from pipeline.summary.summary_schema import Summary
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component


def run_in(folder: Path) -> Run:
    data = write_files(folder / "data", {"day/cat/a.png": solid("red")})
    config = load_config(None, [], {"data": str(data), "workspace": folder / "workspace"})
    workspace = Workspace(config.workspace)
    snapshot = take_snapshot(config.data, workspace.inputs)
    return Run("run", config, workspace, snapshot, ProgressDisplay(Console()), folder)


def push(run: Run, run_key: str, baseline: int | None) -> int:
    model = write_files(run.folder / "model", {"saved_model.pb": run_key.encode()})
    record: dict[str, Any] = {"run_id": "r", "pushed_at": "now", "domains": {}, "digest": run_key}
    return run.store.push(model, Push(**record, run_key=run_key, baseline_version=baseline))


def test_the_parameters_of_a_run_override_the_compiled_config(tmp_path):
    compiled = run_in(tmp_path).config.model_dump_json(exclude={"kubeflow"})
    given = {"config": compiled, "data": "/mnt/pictures", "image_size": 96.0, "seed": 5.0}
    config = read_run_config(given)
    assert (config.data, config.image_size, config.seed) == ("/mnt/pictures", 96, 5)
    assert config.workspace == tmp_path / "workspace"


@pytest.mark.parametrize(
    ("parameter", "key"),
    [({"image_size": 5.0}, "image_size"), ({"seed": -1.0}, "seed"), ({"data": " "}, "data")],
)
def test_a_parameter_that_is_not_allowed_is_an_input_error(tmp_path, parameter, key):
    compiled = run_in(tmp_path).config.model_dump_json(exclude={"kubeflow"})
    given = {"config": compiled, "data": "/mnt/pictures", "image_size": 96.0, "seed": 5.0}
    with pytest.raises(InputError, match=f"config key '{key}': must "):
        read_run_config(given | parameter)


def test_the_baseline_is_the_newest_version_or_the_named_one(tmp_path):
    run = run_in(tmp_path)
    assert [push(run, "a", None), push(run, "b", 1)] == [1, 2]
    assert choose_baseline(run, "c", "newest") == 2
    assert choose_baseline(run, "c", f"{run.store.path(1)}/") == 1


def test_a_repeated_run_has_the_baseline_of_the_first_one(tmp_path):
    run = run_in(tmp_path)
    push(run, "a", None)
    assert choose_baseline(run, "a", "newest") == 1
    push(run, "b", 1)
    assert choose_baseline(run, "b", "newest") == 1


@pytest.mark.parametrize("uri", ["newest", "gs://bucket/model"])
def test_a_baseline_that_does_not_exist_is_refused(tmp_path, uri):
    with pytest.raises(InputError, match=f"baseline_uri {uri}.*--baseline"):
        choose_baseline(run_in(tmp_path), "key", uri)


def test_a_run_that_cannot_begin_has_a_summary_with_the_reason(tmp_path):
    run = run_in(tmp_path)
    with pytest.raises(InputError, match="baseline_uri newest"):
        BegunRun.begin(run, "Preparation", "newest")
    summary = Summary.read(run.folder)
    assert summary.status == "failed"
    assert summary.reasons[0].startswith("baseline_uri newest: there is no such version in ")


def test_the_inbox_of_a_run_replaces_that_of_the_compiled_config(tmp_path):
    compiled = run_in(tmp_path).config.model_dump_json(exclude={"kubeflow"})
    config = read_run_config({"config": compiled, "inbox": "/mnt/inbox", "seed": 5.0})
    assert config.retrain.inbox == Path("/mnt/inbox")
    assert config.seed == 5

"""What the first step of a run finds out."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tiny_pictures import solid, write_files

from components.pusher.version_store import Push
from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import take_snapshot
from pipeline.kubeflow.programs.prepare_run import choose_baseline, prepared_config
from pipeline.running.run import Run
from pipeline.summary.terminal import Reporter
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


def run_in(folder: Path) -> Run:
    data = write_files(folder / "data", {"day/cat/a.png": solid("red")})
    config = load_config(None, [], {"data": str(data), "workspace": folder / "workspace"})
    workspace = Workspace(config.workspace)
    snapshot = take_snapshot(config.data, workspace.inputs)
    return Run("run", config, workspace, snapshot, Reporter(Console()), folder)


def push(run: Run, run_key: str, baseline: int | None) -> int:
    model = write_files(run.folder / "model", {"saved_model.pb": run_key.encode()})
    record: dict[str, Any] = {"run_id": "r", "pushed_at": "now", "domains": {}, "digest": run_key}
    return run.store.push(model, Push(**record, run_key=run_key, baseline_version=baseline))


def test_the_parameters_of_a_run_win_over_what_was_compiled(tmp_path):
    compiled = run_in(tmp_path).config.model_dump_json(exclude={"kubeflow"})
    given = {"config": compiled, "data": "/mnt/pictures", "image_size": 96.0, "seed": 5.0}
    config = prepared_config(given)
    assert (config.data, config.image_size, config.seed) == ("/mnt/pictures", 96, 5)
    assert config.workspace == tmp_path / "workspace"


def test_the_baseline_is_the_newest_version_or_the_one_that_is_named(tmp_path):
    run = run_in(tmp_path)
    assert [push(run, "a", None), push(run, "b", 1)] == [1, 2]
    assert choose_baseline(run, "c", "newest") == 2
    assert choose_baseline(run, "c", f"{run.store.path(1)}/") == 1


def test_a_run_over_what_the_newest_version_came_from_has_the_baseline_of_that_one(tmp_path):
    run = run_in(tmp_path)
    push(run, "a", None)
    assert choose_baseline(run, "a", "newest") == 1
    push(run, "b", 1)
    assert choose_baseline(run, "b", "newest") == 1


@pytest.mark.parametrize("uri", ["newest", "gs://bucket/model"])
def test_without_such_a_version_the_run_stops_in_one_line(tmp_path, uri):
    with pytest.raises(InputError, match=f"baseline_uri {uri}.*--baseline"):
        choose_baseline(run_in(tmp_path), "key", uri)

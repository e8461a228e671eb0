"""A compiled pipeline, run step by step as Kubeflow would, against `carryover run`."""

import json
from pathlib import Path
from typing import Any

import pytest
from command import QUICK, carryover, newest_summary
from compared import comparable, rounded
from kubeflow_harness import Harness

from components.pusher.version_store import VersionStore

pytestmark = pytest.mark.slow


def compile_for(mount: Path, file: Path, *options: str) -> None:
    """Compile with defaults that no run would get far with: runs give their own parameters."""
    pairs = QUICK | {
        "image_size": 32,
        "seed": 1,
        "kubeflow.image": "registry.example/carryover:1",
        "kubeflow.pipeline_root": "minio://bucket/carryover",
        "kubeflow.volumes": f"{{carryover: {mount}}}",
        "kubeflow.env": "{TF_CPP_MIN_LOG_LEVEL: '3'}",
    }
    given = [part for key, value in pairs.items() for part in ("--set", f"{key}={value}")]
    folders = ["--data", str(mount / "nothing")]
    done = carryover("compile", "--output", str(file), *folders, *given, *options)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """For everything that the runs on Kubeflow write."""
    return tmp_path_factory.mktemp("kubeflow")


@pytest.fixture(scope="module")
def summary(data, folder, tmp_path_factory) -> dict[str, Any]:
    """Of the first run, with parameters of its own."""
    file = folder / "first.yaml"
    compile_for(tmp_path_factory.getbasetemp(), file, "--workspace", str(folder / "workspace"))
    Harness(file, folder / "first", data=str(data), image_size=QUICK["image_size"], seed=17).run()
    return newest_summary(folder / "workspace")


def test_every_step_runs_by_itself_and_the_run_comes_to_what_a_local_one_does(
    summary, finished, folder
):
    assert summary["status"] == "pushed"
    assert comparable(summary) == rounded(comparable(finished.summary))
    pushed = VersionStore(folder / "workspace", "carryover").read_push(1)
    assert pushed.run_id == summary["run_id"]
    assert set(pushed.domains) == set(summary["domains"])


def test_the_next_run_beats_the_version_that_serves_when_it_starts(
    summary, data, folder, tmp_path_factory
):
    file = folder / "next.yaml"
    options = ("--workspace", str(folder / "workspace"), "--baseline", "newest")
    compile_for(tmp_path_factory.getbasetemp(), file, *options)
    harness = Harness(file, folder / "next", data=str(data), seed=18)
    harness.run(last="Baseline")
    serving = VersionStore(folder / "workspace", "carryover").path(1)
    model = harness.artifact("Baseline", "result") / "Format-Serving"
    assert (model / "saved_model.pb").read_bytes() == (serving / "saved_model.pb").read_bytes()
    parameters = harness.finished["Preparation"].parameters
    assert parameters["baseline_version"] == 1
    assert parameters["Pusher__baseline_version"] == 1
    assert json.loads(parameters["config"])["seed"] == 18
    gates = json.loads(parameters["Evaluator__eval_config"])
    assert {one["name"] for one in gates["model_specs"]} == {"candidate", "baseline"}

    # Over the same pictures and model, a cache finds every component's parameters again.
    again = Harness(file, folder / "again", data=str(data), seed=18)
    again.run(last="Preparation")
    same = again.finished["Preparation"].parameters
    changed = {name for name, value in same.items() if value != parameters[name]}
    assert changed == {"run_id", "Pusher__run_id"}

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
    """Compile with defaults that do not work: every run must give its own parameters."""
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
    """Folder for everything that the runs on Kubeflow write."""
    return tmp_path_factory.mktemp("kubeflow")


@pytest.fixture(scope="module")
def summary(data, folder, tmp_path_factory) -> dict[str, Any]:
    """Summary of the first run, with parameters of its own."""
    file = folder / "first.yaml"
    compile_for(tmp_path_factory.getbasetemp(), file, "--workspace", str(folder / "workspace"))
    Harness(file, folder / "first", data=str(data), image_size=QUICK["image_size"], seed=17).run()
    return newest_summary(folder / "workspace")


def test_every_step_runs_in_its_own_process_and_the_metrics_are_those_of_a_local_run(
    summary, finished, folder
):
    assert summary["status"] == "pushed"
    assert comparable(summary) == rounded(comparable(finished.summary))
    pushed = VersionStore(folder / "workspace", "carryover").read_push(1)
    assert pushed.run_id == summary["run_id"]
    assert set(pushed.domains) == set(summary["domains"])


def test_the_baseline_of_the_next_run_is_the_serving_version_at_its_start(
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
    assert parameters["Pusher__baseline_version"] == 1
    assert json.loads(parameters["config"])["seed"] == 18
    assert parameters["Evaluator__baseline_version"] == 1

    # With the same pictures and baseline, all components have the same parameters for the cache.
    again = Harness(file, folder / "again", data=str(data), seed=18)
    again.run(last="Preparation")
    same = again.finished["Preparation"].parameters
    changed = {name for name, value in same.items() if value != parameters[name]}
    assert changed == {"run_id", "Pusher__run_id"}

"""What is read from the artifacts of a run; those of the Evaluator are real."""

import io
import json
import os
import platform
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import Snapshot
from pipeline.running.run import LIBRARIES, Run, failed_summary
from pipeline.summary.summary_reader import read_summary
from pipeline.summary.terminal import Reporter
from pipeline.workspace import Workspace

FROZEN = {
    "accuracy": 0.7,
    "mean_domain_accuracy": 0.75,
    "domain_accuracy": {"day": 0.9, "night": 0.6},
    "seconds": 30.0,
    "epochs": 12,
}

CALIBRATION = {
    "temperature": 1.5,
    "domains": {
        "day": {"ece_before": 0.2, "ece_after": 0.05},
        "night": {"ece_before": 0.3, "ece_after": 0.1},
    },
}

#: What the trainer reports.
REPORT = {
    "chosen": "fine_tuned",
    "device": "CPU, float32, 1 replica(s)",
    "frozen": FROZEN,
    "fine_tuned": FROZEN | {"seconds": 50.0},
    "calibration": CALIBRATION,
}


def a_run(folder: Path) -> Run:
    """A run of 200 seconds that has just ended."""
    config = load_config(None, ["seed=3"], {"data": str(folder), "workspace": folder})
    snapshot = Snapshot(folder / "listing", "digest", str(folder), ("day", "night"), 6, {}, ())
    reporter = Reporter(Console(file=io.StringIO()))
    run = Run("20240101-000000", config, Workspace(folder), snapshot, reporter, folder)
    run.seconds = {"Trainer": 90.0, "total": 200.0}
    return run


@pytest.fixture(name="outputs")
def _outputs(tmp_path, blessed):
    """URIs of artifacts in which a model with `REPORT` was pushed as version 1."""
    rows = [{"split": "test", "domain": "day", "label": "red", "count": 6}]
    files = {
        "rejects/inventory.json": {"examples": rows, "rejects": []},
        "pushed/outcome.json": {"outcome": "pushed", "version": 1},
        "serves/findings.json": {"problems": []},
        "model/Format-Serving/assets.extra/model.json": {"labels": ["red"], "training": REPORT},
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))
    return {
        "ImageExampleGen": {"rejects": str(tmp_path / "rejects")},
        "Pusher": {"pushed_model": str(tmp_path / "pushed")},
        "ServingCheck": {"blessing": str(tmp_path / "serves")},
        "Trainer": {"model": str(tmp_path / "model")},
        "Evaluator": {"evaluation": blessed.evaluation.uri},
    }


def test_the_calibration_of_the_exported_model_is_told(tmp_path, outputs):
    summary = read_summary(a_run(tmp_path), outputs, None)
    assert summary.status == "pushed"
    assert summary.calibration.model_dump() == CALIBRATION


def test_a_stage_has_its_seconds_and_their_share_of_the_run(tmp_path, outputs):
    stages = read_summary(a_run(tmp_path), outputs, None).stages
    assert (stages.frozen.seconds, stages.frozen.share) == (30, 0.15)
    assert (stages.fine_tuned.seconds, stages.fine_tuned.share) == (50, 0.25)


def test_stages_of_a_trainer_from_the_cache_took_no_share_of_the_run(tmp_path, outputs):
    run = a_run(tmp_path)
    run.cached = ["Trainer"]
    stages = read_summary(run, outputs, None).stages
    assert stages.frozen.seconds == 30
    assert stages.frozen.share is None
    assert stages.fine_tuned.share is None


def test_the_environment_holds_seed_versions_hardware_and_revision(tmp_path, outputs):
    environment = read_summary(a_run(tmp_path), outputs, None).environment
    assert environment["seed"] == 3
    assert environment["python"] == platform.python_version()
    assert environment["cpus"] == os.cpu_count()
    assert environment["device"] == "CPU, float32, 1 replica(s)"
    versions = [environment[name] for name in ("tfx", "tensorflow", "keras")]
    assert all(version[0].isdigit() for version in versions)
    assert set(environment) == {
        *("seed", "python", "platform", "cpus", "device", "git_revision"),
        *LIBRARIES,
    }


def test_a_failed_run_has_neither_calibration_nor_device(tmp_path):
    summary = failed_summary(a_run(tmp_path), "why")
    assert summary.calibration is None
    assert summary.environment["device"] is None
    assert summary.environment["seed"] == 3

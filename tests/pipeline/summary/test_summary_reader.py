"""The summary that is read from the artifacts of a run; those of the Evaluator are real."""

import json
import os
import platform
from pathlib import Path

import pytest

from components.evaluation.gate.gate_options import GateOptions
from pipeline.installed_versions import LIBRARIES
from pipeline.summary.environment import describe_environment
from pipeline.summary.run_facts import RunFacts, failed_summary
from pipeline.summary.run_outputs import Outputs
from pipeline.summary.summary_reader import read_summary
from pipeline.summary.summary_schema import Summary

pytestmark = pytest.mark.component

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

ACCEPTANCE = {
    "accuracy": 0.95,
    "min_confidence": 0.8,
    "max_novelty": 0.95,
    "domains": {
        "day": {
            "pictures": 90,
            "accepted": 80,
            "correct": 80,
            "accuracy_low": 0.97,
            "is_shown": True,
        }
    },
}

#: What the trainer reports.
REPORT = {
    "chosen": "fine_tuned",
    "device": "CPU, float32, 1 replica",
    "frozen": FROZEN,
    "fine_tuned": FROZEN | {"seconds": 50.0},
    "calibration": CALIBRATION,
    "acceptance": ACCEPTANCE,
}


def facts(folder: Path, cached: list[str] | None = None) -> RunFacts:
    """Facts of a run of 200 seconds that has just ended."""
    return RunFacts(
        run_id="20240101-000000",
        data_root=str(folder),
        seconds={"Trainer": 90.0, "total": 200.0},
        cached=cached or [],
        ignored_files={},
        findings=[],
        environment=describe_environment(3, device=None),
        seed=3,
    )


def read(folder: Path, outputs: Outputs, cached: list[str] | None = None) -> Summary:
    return read_summary(facts(folder, cached), outputs, GateOptions(), None)


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


def test_the_summary_holds_the_calibration_of_the_exported_model(tmp_path, outputs):
    summary = read(tmp_path, outputs)
    assert summary.status == "pushed"
    assert summary.calibration.model_dump() == CALIBRATION
    assert summary.acceptance.model_dump(exclude_none=True) == ACCEPTANCE


@pytest.mark.parametrize(
    ("training", "before"),
    [
        ({"acceptance": ACCEPTANCE}, 80 / 90),
        ({}, None),  # from before there was acceptance
        (None, None),  # of another program
    ],
)
def test_accepted_predictions_are_compared_with_those_of_the_baseline(
    tmp_path, outputs, training, before
):
    if training is not None:
        path = tmp_path / "baseline/assets.extra/model.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"labels": ["red"], "training": training}))
    baseline = tmp_path / "baseline"
    summary = read_summary(facts(tmp_path), outputs, GateOptions(), 1, baseline)
    assert summary.acceptance.domains["day"].baseline_coverage == before


def test_the_summary_of_a_model_from_before_acceptance_has_none(tmp_path, outputs):
    path = tmp_path / "model/Format-Serving/assets.extra/model.json"
    report = {key: value for key, value in REPORT.items() if key != "acceptance"}
    path.write_text(json.dumps({"labels": ["red"], "training": report}))
    assert read(tmp_path, outputs).acceptance is None


def test_a_stage_has_its_seconds_and_their_share_of_the_run(tmp_path, outputs):
    stages = read(tmp_path, outputs).stages
    assert (stages.frozen.seconds, stages.frozen.share) == (30, 0.15)
    assert (stages.fine_tuned.seconds, stages.fine_tuned.share) == (50, 0.25)


def test_stages_of_a_cached_trainer_have_no_share_of_the_run(tmp_path, outputs):
    stages = read(tmp_path, outputs, cached=["Trainer"]).stages
    assert stages.frozen.seconds == 30
    assert stages.frozen.share is None
    assert stages.fine_tuned.share is None


def test_the_environment_holds_seed_versions_hardware_and_revision(tmp_path, outputs):
    environment = read(tmp_path, outputs).environment
    assert environment["seed"] == 3
    assert environment["python"] == platform.python_version()
    assert environment["cpus"] == os.cpu_count()
    assert environment["device"] == "CPU, float32, 1 replica"
    versions = [environment[name] for name in ("tfx", "tensorflow", "keras")]
    assert all(version[0].isdigit() for version in versions)
    assert set(environment) == {
        *("seed", "python", "platform", "cpus", "device", "git_revision"),
        *LIBRARIES,
    }


def test_a_failed_run_has_neither_calibration_nor_device(tmp_path):
    summary = failed_summary(facts(tmp_path), "why")
    assert summary.calibration is None
    assert summary.environment["device"] is None
    assert summary.environment["seed"] == 3

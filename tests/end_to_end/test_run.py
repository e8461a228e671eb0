"""`carryover run` from pictures to a served model, on TFX's real components."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import DEFAULT_BACKBONE, carryover, drawn, newest_summary, run_arguments, save
from repository import ROOT
from unpacked_bundles import unpack

from pipeline.running.unchanged_run import IDENTITY

pytestmark = pytest.mark.slow


def test_a_run_pushes_a_version_and_tells_the_truth_about_every_domain(finished):
    summary = finished.summary
    assert "Pushed version 1" in finished.output
    assert summary["status"] == "pushed"
    assert summary["pushed_version"] == 1
    assert summary["classes"] == ["circle", "cross", "square"]
    images = summary["images"]
    assert images["read"] == 3 * 3 * 14 + 1
    assert images["rejected"] == 1
    assert images["train"] + images["eval"] + images["test"] == 3 * 3 * 14
    assert summary["reject_reasons"] == {"not a picture in a known format": 1}
    [header, reject] = next(finished.path.glob("runs/*/rejects.csv")).read_text().splitlines()
    assert header == "path,domain,label,reason,bytes"
    assert reject == "paper/circle/broken.jpg,paper,circle,not a picture in a known format,10"
    domains = summary["domains"]
    assert sum(domain["test_images"] for domain in domains.values()) == images["test"]
    assert summary["worst_domain"] == "noise"
    assert domains["noise"]["accuracy"] < 0.7 < domains["paper"]["accuracy"]
    assert summary["cached"] == []
    assert (finished.path / "serving" / "carryover" / "1" / "saved_model.pb").exists()


def test_a_run_is_tracked_and_its_version_becomes_a_bundle_that_predicts_the_same(
    finished, data, tmp_path
):
    [events] = finished.path.glob("runs/*/tensorboard/events*")
    assert b"accuracy/paper" in events.read_bytes()
    done = carryover("bundle", "--workspace", str(finished.path), "--output", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    inner = unpack(tmp_path / "carryover-1.tar", tmp_path / "unpacked")
    pictures = str(data / "paper" / "cross")
    answers = [
        carryover("predict", pictures, "--workspace", str(workspace)).stdout
        for workspace in (finished.path, inner)
    ]
    assert answers[0] == answers[1]
    assert answers[0].count("novelty") == 14


def test_an_unchanged_run_shows_its_result_again_and_runs_nothing(finished, data):
    runs = sorted(finished.path.glob("runs/*"))
    done = carryover(*run_arguments(data, finished.path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"run {runs[-1].name}: nothing has changed since" in done.stdout
    assert "Loading TFX" not in done.stdout
    assert "Nothing new to push: this model is already version 1 (" in done.stdout
    assert f"report: {runs[-1] / 'report.html'}" in done.stdout
    assert sorted(finished.path.glob("runs/*")) == runs


def test_a_run_without_an_earlier_result_answers_from_the_cache_and_pushes_nothing(finished, data):
    workspace = finished.path
    (max(workspace.glob("runs/*")) / IDENTITY).unlink()
    done = carryover(*run_arguments(data, workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    after = newest_summary(workspace)
    assert "Trainer" in after["cached"]
    assert set(after["seconds"]) - set(after["cached"]) == {"Loading TFX", "Pusher", "total"}
    assert not after["new_version"]
    assert after["domains"] == finished.summary["domains"]
    assert [path.name for path in (workspace / "serving" / "carryover").iterdir()] == ["1"]


def test_a_stricter_gate_repeats_the_evaluation_alone_and_names_the_domain(finished, data):
    workspace = finished.path
    done = carryover(*run_arguments(data, workspace, gate__min_accuracy=0.9))
    assert done.returncode == 3, done.stdout + done.stderr
    summary = newest_summary(workspace)
    assert summary["status"] == "not_blessed"
    assert {"Transform", "Trainer", "ServingCheck"} <= set(summary["cached"])
    assert "Evaluator" not in summary["cached"]
    assert any(
        reason.startswith("domain 'noise': accuracy 0.") and "below the floor 0.900" in reason
        for reason in summary["reasons"]
    )
    assert "noise" in done.stdout
    # Version 1 came from these inputs, so the run had no baseline; it serves all the same.
    assert "Version 1 still serves." in done.stdout
    assert (workspace / "serving" / "carryover" / "1").is_dir()


def test_the_served_model_classifies_a_new_picture(finished, tmp_path):
    picture = tmp_path / "a circle.png"
    save(picture, drawn("circle", 230, np.random.default_rng(99)))
    done = carryover("predict", "--workspace", str(finished.path), str(picture))
    assert done.returncode == 0, done.stderr
    name, label, confidence, check = done.stdout.split("  ")
    assert name == str(picture)
    assert label == "circle"
    assert 0 < float(confidence) <= 1
    assert re.fullmatch(r"novelty [01]\.\d{3}, (not )?accepted\n", check)


def test_a_new_picture_trains_a_new_version_against_the_one_that_serves(finished, data, tmp_path):
    workspace = finished.path
    served = finished.summary["domains"]["paper"]["accuracy"]
    more = shutil.copytree(data, tmp_path / "data")
    added = more / "paper" / "circle" / "added.png"
    save(added, drawn("circle", 230, np.random.default_rng(7)))
    settings = DEFAULT_BACKBONE | {"gate.max_drop": 1, "fine_tuning.epochs": 0}
    done = carryover(*run_arguments(more, workspace, **settings))
    assert done.returncode == 0, done.stdout + done.stderr
    summary = newest_summary(workspace)
    assert summary["pushed_version"] == 2
    assert summary["baseline_version"] == 1
    assert not {"ImageExampleGen", "Transform", "Trainer"} & set(summary["cached"])
    # The baseline is version 1, on test pictures that one more has joined at most.
    assert abs(summary["domains"]["paper"]["baseline_accuracy"] - served) < 0.15

    done = carryover("rollback", "--workspace", str(workspace))
    assert done.returncode == 0, done.stderr
    assert "The serving version is now 1" in done.stdout
    assert "1 (serving)" in carryover("versions", "--workspace", str(workspace)).stdout


def test_pictures_in_the_wrong_layout_are_bad_input(tmp_path):
    save(tmp_path / "data" / "loose.png", drawn("circle", 230, np.random.default_rng(1)))
    done = carryover(*run_arguments(tmp_path / "data", tmp_path / "workspace"))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "<domain>/<class>/<picture>" in line


def test_pictures_that_are_all_broken_are_bad_input(tmp_path):
    for number in range(3):
        path = tmp_path / "data" / "a" / "b" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    done = carryover(*run_arguments(tmp_path / "data", tmp_path / "workspace"))
    assert done.returncode == 2
    assert "usable picture" in done.stderr.splitlines()[-1]
    assert "empty file" in done.stderr.splitlines()[-1]
    assert newest_summary(tmp_path / "workspace")["status"] == "failed"


def test_the_bundled_config_points_at_the_bundled_pictures():
    from pipeline.config.config_file import load_config

    config = load_config(ROOT / "configs" / "emoji.yaml", [])
    folders = {path.name for path in Path(config.data).iterdir() if path.is_dir()}
    assert folders == {"noto", "openmoji", "twemoji"}

"""The report that a run writes, and `carryover report`."""

import re

import pytest
from command import carryover

pytestmark = pytest.mark.slow


def test_the_report_of_a_run_shows_its_model_its_pictures_and_its_artifacts(finished):
    path = finished.path / "runs" / finished.summary["run_id"] / "report.html"
    assert f"report: {path}" in finished.output
    page = path.read_text()
    assert "Pushed version 1" in page
    assert f"From all {finished.summary['images']['test']} test pictures." in page
    worst = finished.summary["domains"]["noise"]
    wrong = round(worst["test_images"] * (1 - worst["accuracy"]))
    assert page.count('<li data-domain="noise"') == wrong > 0
    assert "not a picture in a known format" in page
    assert str(finished.path / "artifacts" / "Trainer" / "model") in page
    assert len(re.findall('<svg role="img"', page)) == 4 + 3 + 1  # learning, calibration, map
    assert path.stat().st_size < 2_000_000


def test_a_report_can_be_created_again_and_is_identical(finished):
    run_id = finished.summary["run_id"]
    path = finished.path / "runs" / run_id / "report.html"
    before = path.read_bytes()
    path.unlink()
    done = carryover("report", run_id, "--workspace", str(finished.path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{path}\n"
    assert done.stderr == ""
    assert path.read_bytes() == before


def test_the_history_page_shows_the_first_version(finished):
    done = carryover("report", "--history", "--workspace", str(finished.path))
    assert done.returncode == 0, done.stderr
    page = (finished.path / "history.html").read_text()
    assert done.stdout == f"{finished.path / 'history.html'}\n"
    assert finished.summary["run_id"] in page
    for domain in finished.summary["domains"]:
        assert f"accuracy of every candidate in {domain}" in page

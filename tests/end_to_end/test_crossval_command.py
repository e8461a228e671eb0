"""`carryover crossval` on real pictures and TFX's real components."""

import json

import pytest
from command import carryover, run_arguments

pytestmark = pytest.mark.slow


def test_crossval_scores_every_domain_unseen_and_pushes_nothing(data, tmp_path):
    # Folds with fine-tuning are the subject of trainer_module/test_leave_one_domain_out.py.
    quick = {"image_size": 32, "frozen__epochs": 2, "fine_tuning__epochs": 0}
    _, *options = run_arguments(data, tmp_path / "workspace", **quick)
    done = carryover("crossval", *options, "--seeds", "1", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "out" / "crossval.json").read_text())
    assert set(result["domains"]) == {"blackboard", "noise", "paper"}
    assert result["seeds"] == [17]
    shown = f"{result['mean']['mean_accuracy']:.3f}"
    assert shown in next(line for line in done.stdout.splitlines() if line.startswith(" mean"))
    assert {"ImageExampleGen", "Transform", "Training"} <= set(result["seconds"])
    assert not (tmp_path / "workspace" / "serving").exists()

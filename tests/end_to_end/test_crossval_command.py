"""`carryover crossval` on real pictures and TFX's real components."""

import json
import shutil

import pytest
from command import carryover, run_arguments

pytestmark = pytest.mark.slow


def test_crossval_scores_every_domain_unseen_and_ignores_what_serves(finished, data, tmp_path):
    # Folds with fine-tuning are the subject of trainer_module/test_leave_one_domain_out.py.
    quick = {"image_size": 32, "frozen__epochs": 2, "fine_tuning__epochs": 0}
    # The serving version knows a domain that the data lack, at which a run would stop.
    workspace, pictures = tmp_path / "workspace", tmp_path / "data"
    shutil.copytree(finished.path, workspace, symlinks=True)
    shutil.copytree(data, pictures, ignore=shutil.ignore_patterns("noise"))
    _, *options = run_arguments(pictures, workspace, **quick)
    done = carryover("crossval", *options, "--seeds", "1", "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "out" / "crossval.json").read_text())
    assert set(result["domains"]) == {"blackboard", "paper"}
    assert result["seeds"] == [17]
    shown = f"{result['mean']['mean_accuracy']:.3f}"
    assert shown in next(line for line in done.stdout.splitlines() if line.startswith(" mean"))
    assert {"ImageExampleGen", "Transform", "Training"} <= set(result["seconds"])
    assert [path.name for path in (workspace / "serving" / "carryover").iterdir()] == ["1"]

"""The file `summary.json` of a run."""

import json

import pytest
from pydantic import ValidationError
from tiny_summary import summary

from pipeline.summary.summary_schema import Summary

FAILED = {
    "status": "failed",
    "pushed_version": None,
    "new_version": False,
    "images": None,
    "domains": {},
    "worst_domain": None,
    "mean_domain_accuracy": None,
    "stages": None,
    "calibration": None,
}


@pytest.mark.parametrize("changes", [{}, FAILED], ids=["pushed", "failed"])
def test_a_written_summary_reads_back_as_it_was(tmp_path, changes):
    path = summary(**changes).write(tmp_path)
    assert path == tmp_path / "summary.json"
    assert Summary.model_validate_json(path.read_text()) == summary(**changes)


def test_writing_leaves_the_summary_and_nothing_else(tmp_path):
    summary().write(tmp_path)
    summary(seed=3).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
    assert json.loads((tmp_path / "summary.json").read_text())["seed"] == 3


def test_the_keys_are_those_that_others_read(tmp_path):
    written = json.loads(summary().write(tmp_path).read_text())
    # The documented schema: a key that goes away breaks whoever reads these files.
    assert set(written) >= {
        *("run_id", "status", "pushed_version", "reasons", "images", "classes", "domains"),
        *("worst_domain", "mean_domain_accuracy", "stages", "seconds", "environment", "seed"),
        "calibration",
    }
    assert set(written["images"]) == {"read", "rejected", "train", "eval", "test"}
    assert set(written["domains"]["day"]) == {
        *("test_images", "cross_fitted_images", "compared_images", "change"),
        *("accuracy", "macro_f1", "log_loss", "ece", "baseline_accuracy"),
        *("change_low", "change_high", "accuracy_low", "accuracy_high"),
        *("best_version", "best_accuracy", "detectable_loss", "needed_images", "classes"),
        "metrics",
    }
    assert set(written["stages"]) == {"frozen", "fine_tuned", "semi_supervised", "chosen"}
    assert {"eval_accuracy", "seconds", "share"} <= set(written["stages"]["frozen"])
    assert written["calibration"] == {
        "temperature": 1.5,
        "domains": {
            "day": {"ece_before": 0.2, "ece_after": 0.05},
            "night": {"ece_before": 0.3, "ece_after": 0.1},
        },
    }
    assert written["environment"] == {"python": "3.10", "cpus": 2, "git_revision": None}


def test_a_status_that_is_not_known_is_refused():
    with pytest.raises(ValidationError):
        summary(status="perhaps")

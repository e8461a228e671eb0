"""Every awkward thing that folders of pictures hold, from the listing to a served model."""

import csv
from pathlib import Path

import pytest
from command import carryover, newest_summary, run_arguments
from hard_variants import files_on_disk, make_hard_tree_of_ranges, put_below_splits

pytestmark = pytest.mark.slow


def test_every_good_picture_is_used_and_every_other_file_named_with_its_reason(tmp_path):
    tree = make_hard_tree_of_ranges(tmp_path / "data")
    workspace = tmp_path / "workspace"
    settings = {"validation__max_rejected": 0.2, "frozen__epochs": 8, "fine_tuning__epochs": 0}
    try:
        done = carryover(*run_arguments(tree.root, workspace, **settings))
    finally:
        tree.unlock()
    assert done.returncode == 0, done.stdout + done.stderr
    summary = newest_summary(workspace)
    assert summary["status"] == "pushed"

    images = summary["images"]
    assert images["read"] == len(tree.used) + len(tree.rejected)
    assert images["train"] + images["eval"] + images["test"] == len(tree.used)
    assert sum(summary["ignored_files"].values()) == len(tree.ignored)
    assert files_on_disk(tree) == images["read"] + sum(summary["ignored_files"].values())
    assert rejects(workspace) == tree.rejected

    kinds = {finding["kind"] for finding in summary["findings"]}
    assert {
        *("label_conflict", "copies", "lookalike_domains", "similar_names", "empty_class"),
        *("missing_classes", "tiny_class", "rewritten", "colour_profile"),
        *("value_range", "more_pages", "blank_pictures"),
    } <= kinds


def test_too_many_rejects_stop_the_run_before_anything_is_trained(tmp_path):
    tree = put_below_splits(make_hard_tree_of_ranges(tmp_path / "data"))
    workspace = tmp_path / "workspace"
    try:
        done = carryover(*run_arguments(tree.root, workspace))
    finally:
        tree.unlock()
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("carryover: ")
    assert "max_rejected" in last or "allow=[rejects]" in last
    summary = newest_summary(workspace)
    assert summary["status"] == "failed"
    assert "Transform" not in summary["seconds"]
    assert "rejects" in {finding["kind"] for finding in summary["findings"]}
    assert rejects(workspace) == tree.rejected
    [page] = workspace.glob("runs/*/report.html")
    assert "Failed: nothing was pushed" in page.read_text()


def rejects(workspace: Path) -> dict[str, str]:
    """Rejected path -> what its reason is counted by."""
    [path] = workspace.glob("runs/*/rejects.csv")
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return {row["path"]: row["reason"].split(":")[0] for row in csv.DictReader(file)}

"""Pictures that are forgotten while their labels are awaited."""

import json
from pathlib import Path

import pytest
from candidate_runs import OPTIONS, CandidateRuns, give_labels, to_label
from retraining_site import RetrainingSite

from pipeline.forgetting.forget_request import ForgetRequest
from pipeline.forgetting.forgetting import ForgetOptions, forget
from pipeline.labelling.picture_list import list_pictures
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component


def forget_file(site: RetrainingSite, file: Path) -> None:
    """Forget a picture that is known by its file."""
    forget(Workspace(site.workspace), ForgetRequest("path", str(file)), ForgetOptions())


def pictures_to_label(site: RetrainingSite) -> list[Path]:
    """Return the pictures to label of the first batch."""
    return sorted(to_label(site).glob("night/_to_label/*.png"))


def files_naming(folder: Path, name: str) -> list[Path]:
    """Return the files that have a name, or hold it."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return [one for one in files if one.name == name or name.encode() in one.read_bytes()]


def test_the_other_pictures_can_still_be_labelled_and_decide(waiting):
    first, *others = pictures_to_label(waiting)
    content, name = first.read_bytes(), f"night/_unlabelled/{first.name}"
    assert files_naming(waiting.workspace, name)
    kept = {file: file.stat().st_mtime_ns for file in others}
    forget_file(waiting, first)
    assert waiting.states() == ["awaiting_labels"]
    assert {file: file.stat().st_mtime_ns for file in pictures_to_label(waiting)} == kept
    assert files_naming(waiting.workspace, name) == []
    assert files_naming(waiting.workspace, f"_to_label/{first.name}") == []
    files = (file for file in waiting.workspace.rglob("*") if file.is_file())
    assert not any(content in file.read_bytes() for file in files)
    assert not (to_label(waiting) / "contact-sheet.png").exists()
    tasks = json.loads((to_label(waiting) / "label_studio.json").read_text())
    table = (to_label(waiting) / "selection.csv").read_text().splitlines()
    assert len(tasks) == len(table) - 1 == len(others)
    assert len(list_pictures(to_label(waiting)).pictures) == len(others)
    give_labels(waiting, to_label(waiting), "labels")
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    assert waiting.states() == ["pushed", "labels_used"]


def test_without_a_picture_to_label_the_next_pass_decides_anew(waiting):
    for file in pictures_to_label(waiting):
        forget_file(waiting, file)
    assert not to_label(waiting).exists()
    [batch] = waiting.batches()
    assert (batch.state, batch.run_id) == ("taken", None)
    waiting.run(**OPTIONS)
    assert waiting.states() == ["too_little_data"]  # nothing could test a candidate


def test_a_picture_that_the_candidate_was_trained_on_leaves_new_ones_to_label(waiting):
    held_out = {file.name for file in pictures_to_label(waiting)}
    delivered = waiting.workspace / "batches"
    contents = {file.read_bytes() for file in pictures_to_label(waiting)}
    trained = next(file for file in delivered.rglob("*.png") if file.read_bytes() not in contents)
    forget_file(waiting, trained)
    assert waiting.states() == ["taken"]
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    assert waiting.states() == ["awaiting_labels"]
    assert {file.name for file in pictures_to_label(waiting)} == held_out

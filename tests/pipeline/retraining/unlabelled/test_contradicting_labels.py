"""Deliveries whose labels contradict each other: they wait until one is corrected."""

import os
import shutil
from pathlib import Path

import pytest
from candidate_runs import (
    OPTIONS,
    CandidateRuns,
    contradict,
    correct,
    deliver_unlabelled,
    give_labels,
    relabel,
    to_label,
)
from retraining_site import RetrainingSite
from tiny_pictures import write_files
from tiny_workspace import push_copy, write_colours

from pipeline.retraining.deliveries.process_deaths import DEATHS, DIED, MAX_DEATHS
from pipeline.retraining.unlabelled.awaiting_candidates import read_listing

pytestmark = pytest.mark.component


def test_two_deliveries_that_contradict_each_other_decide_nothing_until_one_is_corrected(waiting):
    count = give_labels(waiting, to_label(waiting), "mine")
    give_labels(waiting, to_label(waiting), "yours")
    relabel(waiting, "yours", count)
    assert waiting.run(**OPTIONS) == 0
    assert waiting.states() == ["awaiting_labels", "too_little_data", "too_little_data"]
    for batch in waiting.batches()[1:]:
        assert f"; {count} pictures have different labels in mine and yours and" in batch.reason
        assert "too few to decide on the candidate of dark: correct one of these" in batch.reason
    shutil.rmtree(waiting.inbox / "yours")
    give_labels(waiting, to_label(waiting), "yours")
    assert waiting.preview(**OPTIONS)[-1].startswith("dark: labels decide on the candidate of run ")
    assert waiting.states()[:2] == ["awaiting_labels", "too_little_data"]
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert waiting.states() == ["pushed", "labels_used", "labels_used", "duplicate"]
    assert "The batch waits for more: they are enough now" in waiting.batches()[1].reason
    rows = read_listing(runs.snapshots[0].path)
    assert [row.get("split") for row in rows if row["domain"] == "night"].count("test") == count


def test_pictures_that_two_deliveries_contradict_are_named_and_the_others_decide(waiting):
    count = give_labels(waiting, to_label(waiting), "mine")
    give_labels(waiting, to_label(waiting), "yours")
    [name] = relabel(waiting, "yours", 1)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert waiting.states() == ["pushed", "labels_used", "labels_used"]
    for batch in waiting.batches()[1:]:
        assert (
            "; 1 picture has different labels in mine and yours and cannot decide" in batch.reason
        )
        assert f"/{name}); the labels decide on the candidate of dark" in batch.reason
    rows = read_listing(runs.snapshots[0].path)
    tested = [Path(row["path"]).name for row in rows if row["domain"] == "night"]
    assert len(tested) == count - 1
    assert not any(name in path for path in tested)


def die_at_the_reading(site: RetrainingSite, times: int) -> None:
    """Leave what processes leave that died while they read the first batch."""
    digest = site.batches()[0].digest
    folder = write_files(site.workspace / "batches" / DEATHS, {digest: b""})
    os.truncate(folder / digest, times)


def test_a_kill_while_the_awaiting_batch_is_read_leaves_it_to_the_end_of_the_next_pass(
    waiting,
):
    contradict(waiting)
    correct(waiting)
    die_at_the_reading(waiting, 1)
    write_colours(waiting.inbox / "other", "fog", [("red", "green")] * 9)
    (waiting.inbox / "other" / "_READY").touch()
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    # That of the other batch was pushed first: so the candidate was trained again.
    assert [Path(one.batch_name).name for one in runs.snapshots] == ["other", "dark"]
    assert waiting.states()[0] == "pushed"
    assert waiting.run(**OPTIONS) == 0
    assert "nothing to do" in waiting.output


def test_an_awaiting_batch_that_ends_every_process_fails_and_says_how_to_try_again(waiting):
    contradict(waiting)
    correct(waiting)
    die_at_the_reading(waiting, MAX_DEATHS)
    assert any(line == f"dark: failed: {DIED}" for line in waiting.preview(**OPTIONS))
    assert waiting.run(**OPTIONS) == 1
    assert f"dark: failed: {DIED}" in waiting.output
    deliver_unlabelled(waiting, "dark")
    assert waiting.run(CandidateRuns(waiting), **OPTIONS) == 0
    assert waiting.states()[-1] == "pushed"


@pytest.mark.parametrize("gone", ["serving version", "artifacts"])
def test_after_a_correction_a_candidate_that_is_gone_is_trained_again(waiting, gone):
    contradict(waiting)
    if gone == "artifacts":
        shutil.rmtree(waiting.workspace / "artifacts")
    else:
        push_copy(waiting.store, waiting.workspace / "model", "other run")
    correct(waiting)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert "dark: its candidate is trained again: run " in waiting.output
    assert [snapshot.candidate for snapshot in runs.snapshots] == [None]
    assert waiting.states() == ["pushed", "labels_used", "labels_used", "duplicate"]


def test_a_candidate_whose_batch_cannot_be_read_is_told_of_and_decided_on_later(waiting):
    contradict(waiting)
    correct(waiting)
    [batch, *_] = waiting.batches()
    folder = waiting.workspace / "batches" / batch.digest
    folder.rename(folder.with_name("elsewhere"))
    waiting.run(**OPTIONS)
    assert "dark: labels wait that decide on its candidate: " in waiting.output
    folder.with_name("elsewhere").rename(folder)
    assert waiting.run(CandidateRuns(waiting), **OPTIONS) == 0
    assert waiting.states()[0] == "pushed"

"""Deliveries whose labels contradict each other: they wait until one is corrected."""

import hashlib
import os
import shutil
from collections.abc import Iterable
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
from tiny_pictures import solid, write_files
from tiny_workspace import push_copy, shade, write_colours

from pipeline.inputs.snapshot import Snapshot
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
        assert f"; contradicted: {count} pictures have different labels in" in batch.reason
        assert "): correct the wrong batch, and deliver it again under its name" in batch.reason
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
            ": 1 picture has different labels in mine and yours and cannot decide" in batch.reason
        )
        assert f"/{name}): correct the wrong batch" in batch.reason
        assert "; the labels decide on the candidate of dark" in batch.reason
    assert len(night(runs.snapshots[0])) == count - 1
    assert digests(waiting, [name]).isdisjoint(night(runs.snapshots[0]))


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


def night(snapshot: Snapshot) -> dict[str, str]:
    """Return the labels that a listing names in the awaited domain, by the digests of the files."""
    rows = read_listing(snapshot.path)
    return {Path(row["path"]).stem: row["label"] for row in rows if row["domain"] == "night"}


def digests(site: RetrainingSite, names: Iterable[str]) -> set[str]:
    """Return the digests of pictures to label."""
    folder = to_label(site) / "night" / "_to_label"
    return {hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def test_pictures_with_different_labels_are_not_trained_on_with_what_else_a_batch_holds(waiting):
    give_labels(waiting, to_label(waiting), "mine", 3)
    waiting.run(**OPTIONS)
    count = give_labels(waiting, to_label(waiting), "yours")
    names = relabel(waiting, "yours", 3)
    write_colours(waiting.inbox / "yours", "fog", [("red", "green")] * 9)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    [snapshot] = runs.snapshots
    assert len(night(snapshot)) == count - 3
    assert digests(waiting, names).isdisjoint(night(snapshot))
    assert waiting.states() == ["awaiting_labels", "too_little_data", "pushed"]
    for batch in waiting.batches()[1:]:
        assert "; contradicted: 3 pictures have different labels in mine and yours" in batch.reason


def test_what_most_batches_say_of_a_picture_counts(waiting):
    count = contradict(waiting)
    give_labels(waiting, to_label(waiting), "third")
    # With the same pictures as `mine`, it would be a copy of that.
    write_files(waiting.inbox / "third", {"night/red/1.png": solid(shade("red", 901))})
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert waiting.states() == ["pushed", *["labels_used"] * 3]
    assert not any("contradicted" in batch.reason for batch in waiting.batches())
    first, *_ = runs.snapshots
    labelled = {path.name: path.parent.name for path in (waiting.inbox / "mine").glob("*/*/*.png")}
    assert len(labelled) == count
    tested = night(first)
    for name, label in labelled.items():
        [digest] = digests(waiting, [name])
        assert tested[digest] == label


def test_the_same_pictures_in_a_domain_with_another_name_contradict_each_other(waiting):
    give_labels(waiting, to_label(waiting), "mine")
    give_labels(waiting, to_label(waiting), "yours")
    (waiting.inbox / "yours" / "night").rename(waiting.inbox / "yours" / "Night")
    assert waiting.run(**OPTIONS) == 0
    for batch in waiting.batches()[1:]:
        assert batch.state == "too_little_data"
        assert " have different labels in mine and yours and cannot decide" in batch.reason


def test_labels_that_a_batch_contradicts_which_is_held_decide_and_tell_of_no_contradiction(waiting):
    count = give_labels(waiting, to_label(waiting), "mine")
    give_labels(waiting, to_label(waiting), "yours")
    relabel(waiting, "yours", count)
    write_files(waiting.inbox / "yours", {"night/zebra/1.png": solid(shade("red", 901))})
    waiting.run(**OPTIONS)
    assert waiting.states() == ["awaiting_labels", "too_little_data", "held"]
    assert waiting.run(CandidateRuns(waiting), **OPTIONS) == 0
    _, mine, _ = waiting.batches()
    assert mine.state == "labels_used"
    assert mine.reason.endswith("The batch waits for more: they are enough now")


def test_labels_that_nothing_contradicts_decide_once_fewer_are_asked_for(waiting):
    give_labels(waiting, to_label(waiting), "few", 3)
    waiting.run(**OPTIONS)
    assert waiting.run(CandidateRuns(waiting), **OPTIONS, min_pictures=2) == 0
    assert waiting.states() == ["pushed", "labels_used"]
    reason = waiting.batches()[1].reason
    assert reason.endswith("The batch waits for more: they are enough now")
    assert "contradict" not in reason


def test_pictures_stay_disputed_after_a_push_and_are_in_no_training(waiting):
    give_labels(waiting, to_label(waiting), "mine")
    give_labels(waiting, to_label(waiting), "yours")
    names = relabel(waiting, "yours", 2)
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    write_colours(waiting.inbox / "fog", "fog", [("red", "green")] * 9)
    runs = CandidateRuns(waiting)
    waiting.run(runs, **OPTIONS)
    assert len(night(runs.snapshots[0])) == 9
    assert digests(waiting, names).isdisjoint(night(runs.snapshots[0]))


def deliver_contradicting(site: RetrainingSite, pictures: Iterable[Path]) -> None:
    """Deliver unlabelled pictures as `mine` and as `yours`, with different labels."""
    for batch, label in (("mine", "red"), ("yours", "green")):
        for path in pictures:
            target = site.inbox / batch / "night" / label / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (site.inbox / batch / "_READY").touch()


def test_labels_of_a_domain_that_was_pushed_without_any_wait_until_they_agree(site):
    deliver_unlabelled(site, "dark")
    assert site.run(CandidateRuns(site), **OPTIONS, unverified="push") == 0
    pictures = sorted((site.inbox / "dark").glob("*/*/*.png"))[:6]
    deliver_contradicting(site, pictures)
    assert site.run(**OPTIONS) == 0
    assert site.states() == ["pushed", "too_little_data", "too_little_data"]
    # It says what `mine` says, so it is a copy, and no candidate awaits the labels.
    shutil.rmtree(site.inbox / "yours")
    shutil.copytree(site.inbox / "mine", site.inbox / "yours")
    runs = CandidateRuns(site)
    assert site.run(runs, **OPTIONS, good_enough=1.0) == 0
    assert site.states() == ["pushed", "too_little_data", "pushed", "duplicate"]
    assert set(night(runs.snapshots[0]).values()) == {"red"}


def test_pictures_without_an_agreed_label_do_not_verify_a_training_without_labels(site):
    deliver_unlabelled(site, "dark")
    site.run(CandidateRuns(site), **OPTIONS)
    contradict(site)
    deliver_unlabelled(site, "dark", count=60)
    runs = CandidateRuns(site)
    assert site.run(runs, **OPTIONS) == 4
    assert list(runs.snapshots[0].unverified) == ["night"]
    assert runs.snapshots[0].unlabelled_list


def test_labels_that_have_decided_are_named_with_their_own_files_when_they_are_contradicted(
    waiting,
):
    give_labels(waiting, to_label(waiting), "mine")
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    give_labels(waiting, to_label(waiting), "yours")
    [name] = relabel(waiting, "yours", 1)
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    deliver_unlabelled(waiting, "again", first=600)
    for path in (waiting.inbox / "again").glob("*/*/*.png"):
        path.unlink()
    content = next((waiting.inbox / "yours").glob(f"*/*/{name}")).read_bytes()
    write_files(waiting.inbox / "again", {"night/_unlabelled/other-name.png": content})
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    mine = waiting.batches()[1]
    assert mine.state == "labels_used"
    assert f"/{name}): correct the wrong batch" in mine.reason
    assert "other-name" not in mine.reason

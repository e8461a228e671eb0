"""Passes over batches without labels: a candidate awaits labels, and labels decide on it."""

import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from candidate_runs import (
    LABELS,
    OPTIONS,
    CandidateRuns,
    deliver_unlabelled,
    give_labels,
    to_label,
)
from PIL import Image
from retraining_site import PUSHED, KilledError, OnEvent, Pipeline, RetrainingSite, be_killed
from tiny_pictures import solid, write_files
from tiny_workspace import push_copy, shade, write_colours

from components.image_example_gen.splits import name_digest
from components.pusher.rollback_record import Rollback
from components.pusher.version_store import VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.retraining.acceptance import accept_candidate
from pipeline.retraining.batch import Batch
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.ledger_table import next_steps
from pipeline.retraining.pictures.known_pictures import KnownPictures
from pipeline.retraining.pictures.listing_rows import ListingRows
from pipeline.retraining.pictures.picture_updates import content_of
from pipeline.retraining.training_set import TrainingSet
from pipeline.retraining.unlabelled.awaiting_candidates import (
    CandidateGoneError,
    StoredCandidate,
    deciding_rows,
    read_listing,
)
from pipeline.retraining.unlabelled.unlabelled_examples import read_list
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.listing_row import DIGEST_BYTES

pytestmark = pytest.mark.component


def content(path: Path) -> bytes:
    """Return the digest of a file, as lists of unlabelled pictures have it."""
    return hashlib.sha256(path.read_bytes()).digest()[:DIGEST_BYTES]


def frame(number: int) -> bytes:
    """Return a frame of a camera that does not move: one pixel differs from every other frame."""
    scene = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    image = Image.fromarray(scene).resize((64, 64), Image.Resampling.BICUBIC)
    image.putpixel((number % 60, number // 60), (255, 255, 255))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def killed_after(runs: CandidateRuns) -> Callable[..., Summary]:
    """Return a run that is killed when its version was pushed."""

    def run(*arguments: Any) -> Summary:
        runs(*arguments)
        raise KilledError

    return run


def give_labels_in_two_batches(site: RetrainingSite) -> int:
    """Deliver labels as `first` and `second`, and other pictures as `third`; return the number."""
    folder = to_label(site)
    count = len(list(folder.glob("*/*/*.png")))
    give_labels(site, folder, "first", 5)
    for path in sorted(folder.glob("*/*/*.png"))[:5]:
        path.unlink()
    give_labels(site, folder, "second")
    write_colours(site.inbox / "third", "fog", [("red", "green")] * 9)
    (site.inbox / "third" / "_READY").touch()
    return count


def test_a_candidate_awaits_labels_of_pictures_that_it_was_not_trained_on(site):
    runs = CandidateRuns(site)
    deliver_unlabelled(site, "dark")
    assert site.run(runs, **OPTIONS) == 4
    [batch] = site.batches()
    assert (batch.state, batch.version) == ("awaiting_labels", None)
    assert batch.reason.startswith("no gate failed, and no picture in 'night' has a label")
    assert batch.awaited_domains == ["night"]
    assert site.event_names() == ["taken", "retraining", "awaiting_labels"]
    folder = to_label(site)
    pictures = sorted(path.name for path in (folder / "night" / "_to_label").iterdir())
    assert site.events[-1]["to_label"] == len(pictures) > 4
    [snapshot] = runs.snapshots
    assert sorted(Path(name).name for name in snapshot.unverified["night"]) == pictures
    assert "night" not in {row["domain"] for row in read_listing(snapshot.path)}
    held = {content(folder / "night" / "_to_label" / name) for name in pictures}
    trained = read_list(site.workspace / "inputs" / snapshot.unlabelled_list)
    assert len(trained) > 15
    assert not held & trained
    steps = site.output.splitlines()[-4:]
    assert steps[0] == "To decide on the candidate of dark, label its pictures:"
    assert steps[1] == (
        f"  carryover label {folder} --classes-from {site.workspace} --only-labelled "
        f"--output {site.inbox}/dark-labels"
    )
    assert steps[3].startswith(f"  carryover accept {batch.run_id} ")
    assert snapshot.label_commands == (
        steps[1].strip(),
        f"carryover retrain --workspace {site.workspace} --inbox {site.inbox}",
    )
    os.utime(site.inbox / "dark" / "_READY", (10**9, 10**9))
    assert site.run(**OPTIONS) == 0
    assert "dark: nothing to do: the same pictures as before" in site.output


@pytest.mark.parametrize(("verdict", "code"), [("pushed", 0), ("not_blessed", 3)])
def test_labels_of_these_pictures_decide_without_a_training(waiting, verdict, code):
    count = give_labels(waiting, to_label(waiting), "labels")
    runs = CandidateRuns(waiting, verdict)
    assert waiting.run(runs, **OPTIONS) == code
    [snapshot] = runs.snapshots
    assert snapshot.candidate is not None
    rows = [row for row in read_listing(snapshot.path) if row["domain"] == "night"]
    assert [row["split"] for row in rows].count("test") == count
    state = "pushed" if verdict == "pushed" else "rejected"
    assert waiting.states() == [state, "labels_used"]
    batch, labels = waiting.batches()
    assert snapshot.batch == batch.digest
    assert batch.version == (2 if verdict == "pushed" else None)
    assert labels.reason.endswith("; the labels decide on the candidate of dark")
    assert waiting.event_names() == ["taken", "labels_used", state]


@pytest.mark.parametrize("is_gone", [False, True])
def test_after_labels_decided_against_a_candidate_the_next_step_trains_on_them(site, is_gone):
    deliver_unlabelled(site, "dark")
    site.run(CandidateRuns(site), **OPTIONS)
    count = give_labels(site, to_label(site), "labels")
    if is_gone:
        shutil.rmtree(site.inbox / "dark")
    assert site.run(CandidateRuns(site, "not_blessed"), **OPTIONS) == 3
    what = "To train on dark with the labels that have arrived"
    retrain = f"  carryover retrain --workspace {site.workspace} --inbox {site.inbox}"
    again = [f"{what}:", f"  touch {site.inbox}/dark/_READY", retrain]
    if is_gone:
        again = [f"{what}, copy dark into {site.inbox} again, and run:", retrain]
    assert site.output.splitlines()[-len(again) :] == again
    assert next_steps(site.batches(), site.workspace)[-len(again) :] == again
    if is_gone:
        deliver_unlabelled(site, "dark")
    else:
        subprocess.run(again[1], shell=True, check=True)  # noqa: S602 (the printed command)
    runs = CandidateRuns(site)
    assert site.run(runs, **OPTIONS) == 0
    assert site.states() == ["rejected", "labels_used", "pushed"]
    [snapshot] = runs.snapshots
    assert snapshot.candidate is None
    assert snapshot.unlabelled_list
    rows = read_listing(snapshot.path)
    assert [row["domain"] for row in rows].count("night") == count
    assert next_steps(site.batches(), site.workspace) == []


def test_after_a_rejection_the_next_step_for_a_manifest_says_to_wait_between_its_commands(site):
    deliver_unlabelled(site, "pictures")
    folder = shutil.move(site.inbox / "pictures", site.inbox.parent / "pictures")
    rows = [f"{path},night,_unlabelled" for path in sorted(Path(folder).glob("*/*/*.png"))]
    (site.inbox / "dark.csv").write_text("\n".join(["path,domain,label", *rows]))
    site.run(CandidateRuns(site), **OPTIONS)
    give_labels(site, to_label(site), "labels")
    assert site.run(CandidateRuns(site, "not_blessed"), **OPTIONS) == 3
    what, touch, retrain = site.output.splitlines()[-3:]
    assert what.endswith("have arrived, wait for retrain.quiet_seconds between these:")
    assert touch == f"  touch {site.inbox}/dark.csv"
    assert retrain.startswith("  carryover retrain ")


def test_labels_do_not_decide_while_known_pictures_are_unavailable(waiting):
    known = waiting.workspace / "known"
    known.rename(known.with_name("elsewhere"))
    give_labels(waiting, to_label(waiting), "labels")
    assert waiting.run(**OPTIONS) == 1
    assert waiting.states() == ["taken", "labels_used"]
    assert "3 of 3 known test pictures of domain 'day' are unavailable" in waiting.output
    known.with_name("elsewhere").rename(known)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert [snapshot.candidate is not None for snapshot in runs.snapshots] == [True]
    assert waiting.states() == ["pushed", "labels_used"]


def test_a_dry_run_tells_that_labels_decide(waiting):
    give_labels(waiting, to_label(waiting), "labels")
    assert waiting.preview(**OPTIONS)[-1].startswith("labels: labels_used: ")
    assert waiting.states() == ["awaiting_labels"]


def test_too_few_labels_wait_with_the_candidate_and_later_ones_decide(waiting):
    folder = to_label(waiting)
    give_labels(waiting, folder, "few", 3)
    assert waiting.run(**OPTIONS) == 0
    assert waiting.states() == ["awaiting_labels", "too_little_data"]
    for path in sorted(folder.glob("*/*/*.png"))[:3]:
        path.unlink()
    give_labels(waiting, folder, "more", 2)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert waiting.states() == ["pushed", "labels_used", "labels_used"]
    _, few, more = waiting.batches()
    assert few.reason.endswith("The batch waits for more: more brought them")
    assert ": 2 labelled (5 with those that waited), " in more.reason
    assert [row.get("split") for row in read_listing(runs.snapshots[0].path)].count("test") == 8


def test_the_command_for_further_labels_names_a_batch_that_replaces_no_other(site):
    def output() -> str:
        lines = next_steps(site.batches(), site.workspace)
        return next(line.split(" --output ")[1] for line in lines if " --output " in line)

    deliver_unlabelled(site, "dark")
    site.run(CandidateRuns(site), **OPTIONS)
    assert output() == f"{site.inbox}/dark-labels"
    give_labels(site, to_label(site), "dark-labels", 2)
    assert output() == f"{site.inbox}/dark-labels-2"
    site.run(**OPTIONS)
    shutil.rmtree(site.inbox / "dark-labels")
    assert output() == f"{site.inbox}/dark-labels-2"


def test_all_deliveries_of_labels_in_one_pass_decide_together(waiting):
    count = give_labels_in_two_batches(waiting)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert waiting.states() == ["pushed", "labels_used", "labels_used", "pushed"]
    rows = read_listing(runs.snapshots[0].path)
    assert [row.get("split") for row in rows if row["domain"] == "night"].count("test") == count


def test_a_batch_with_more_than_the_labels_is_trained_on(waiting):
    give_labels(waiting, to_label(waiting), "mixed")
    write_colours(waiting.inbox / "mixed", "fog", [("red", "green")] * 9)
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert runs.snapshots[0].candidate is None
    assert waiting.states() == ["awaiting_labels", "pushed"]


def test_after_another_push_the_candidate_is_trained_again_with_the_labels(waiting):
    push_copy(waiting.store, waiting.workspace / "model", "other run")
    give_labels(waiting, to_label(waiting), "labels")
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert "dark: its candidate is trained again: run " in waiting.output
    assert "compared with version 1, and version 2 is the serving version now" in waiting.output
    [snapshot] = runs.snapshots
    assert (snapshot.candidate, dict(snapshot.unverified)) == (None, {})
    assert waiting.states() == ["pushed", "labels_used"]


@pytest.mark.parametrize("gone", ["summary.json", "outputs.json", "artifacts", "inputs"])
def test_a_candidate_whose_files_are_gone_cannot_be_decided_on(waiting, gone):
    [batch] = waiting.batches()
    workspace = Workspace(waiting.workspace)
    assert StoredCandidate.find(batch, workspace, waiting.store).domains == ("night",)
    path = workspace.runs / str(batch.run_id) / gone
    if path.exists():
        path.unlink()
    else:
        shutil.rmtree(waiting.workspace / gone)
    with pytest.raises(CandidateGoneError, match=f"run {batch.run_id}"):
        StoredCandidate.find(batch, workspace, waiting.store)


def test_pictures_that_a_candidate_was_trained_on_never_decide_on_it(waiting):
    [batch] = waiting.batches()
    workspace = Workspace(waiting.workspace)
    candidate = StoredCandidate.find(batch, workspace, waiting.store)
    rows = BatchStore(workspace.batches).read(batch.digest)
    labelled = [row | {"label": "red"} for row in rows]
    pictures = SimpleNamespace(
        newest=SimpleNamespace(new={2: labelled}),
        delivered=rows,
        conflicts={},
        listing_rows=lambda _: ListingRows(KnownPictures([], {}), workspace.root, {}, False),
    )
    # Most pictures would be in eval or test by now, also those that were trained on.
    config = RunConfig(data="/data", split={"eval": 0.4, "test": 0.4})
    assert candidate.unlabelled is not None
    trained = read_list(candidate.unlabelled)
    by_splits = {content_of(row) for row in deciding_rows(["night"], pictures, config)}
    deciding = {content_of(row) for row in deciding_rows(["night"], pictures, config, candidate)}
    assert deciding == by_splits - trained
    assert by_splits & trained
    assert deciding


def test_pictures_whose_group_is_in_eval_never_decide(waiting):
    [batch] = waiting.batches()
    workspace = Workspace(waiting.workspace)
    names = set(Summary.read(workspace.runs / str(batch.run_id)).unverified["night"])
    rows = BatchStore(workspace.batches).read(batch.digest)
    asked = [row | {"label": "red"} for row in rows if row["name"] in names]
    grouped = [row | {"group": f"film {number % 3}"} for number, row in enumerate(asked)]
    known = [
        {
            "content": bytes([number]),
            "label": "red",
            "group": name_digest(f"film {number}"),
            "split": split,
        }
        for number, split in enumerate(("eval", "test"))
    ]
    pictures = SimpleNamespace(
        newest=SimpleNamespace(new={2: grouped}),
        conflicts={},
        listing_rows=lambda _: ListingRows(KnownPictures(known, {}), workspace.root, {}, False),
    )
    # All are in test by the hash of a group that is not known.
    config = RunConfig(data="/data", split={"eval": 0.01, "test": 0.98})
    found = {row["group"] for row in deciding_rows(["night"], pictures, config)}
    assert found == {"film 1", "film 2"}


@pytest.mark.parametrize(("min_pictures", "decide"), [(3, False), (2, True)])
def test_copies_of_a_picture_are_one_label_and_contradicting_ones_none(
    waiting, min_pictures, decide
):
    first, second, third, *_ = sorted(to_label(waiting).glob("*/*/*.png"))
    copies = {f"night/red/{number}.png": first.read_bytes() for number in range(5)}
    contradicting = {f"night/{label}/x.png": second.read_bytes() for label in ("red", "green")}
    write_files(
        waiting.inbox / "few",
        copies | contradicting | {"night/red/y.png": third.read_bytes(), "_READY": b""},
    )
    runs = CandidateRuns(waiting)
    waiting.run(runs, **OPTIONS, min_pictures=min_pictures)
    [snapshot] = runs.snapshots
    assert (snapshot.candidate is not None) == decide
    assert waiting.states() == (
        ["pushed", "labels_used"] if decide else ["awaiting_labels", "pushed"]
    )
    night = [row for row in read_listing(snapshot.path) if row["domain"] == "night"]
    assert len(night) == (2 if decide else 6)


def test_a_pass_that_is_killed_before_its_candidate_is_trained_is_resumed(site):
    deliver_unlabelled(site, "dark")
    with pytest.raises(KilledError):
        site.run(notices=OnEvent("retraining", be_killed), **OPTIONS)
    site.run(CandidateRuns(site), **OPTIONS)
    assert site.states() == ["awaiting_labels"]


@pytest.mark.parametrize("moment", ["labels_used", "push"])
def test_a_pass_that_is_killed_while_labels_decide_is_resumed(waiting, moment):
    give_labels(waiting, to_label(waiting), "labels")
    runs = CandidateRuns(waiting)
    with pytest.raises(KilledError):
        if moment == "push":
            waiting.run(killed_after(runs), **OPTIONS)
        else:
            waiting.run(runs, OnEvent(moment, be_killed), **OPTIONS)
    assert waiting.states() == ["taken", "labels_used"]
    assert waiting.run(runs, **OPTIONS) == 0
    assert waiting.states() == ["pushed", "labels_used"]
    assert waiting.store.versions() == [1, 2]
    assert [snapshot.candidate is not None for snapshot in runs.snapshots] == [True]


def test_a_pass_of_another_model_decides_on_no_candidate_and_resumes_no_batch_of_this_one(waiting):
    push_copy(VersionStore(waiting.workspace, "other"), waiting.workspace / "model", "run of other")
    give_labels(waiting, to_label(waiting), "labels")
    with pytest.raises(KilledError):
        waiting.run(CandidateRuns(waiting), OnEvent("labels_used", be_killed), **OPTIONS)
    inbox = waiting.inbox.with_name("other-inbox")
    inbox.mkdir()
    assert waiting.run(inbox=inbox, settings={"name": "other"}, **OPTIONS) == 0
    assert waiting.states() == ["taken", "labels_used"]
    # From the inbox of this model, the other one takes the labels as a batch of its own.
    assert waiting.run(settings={"name": "other"}, **OPTIONS) == 0
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert runs.snapshots[0].candidate is not None
    assert [(one.name, one.model, one.state) for one in waiting.batches()] == [
        ("dark", "colours", "pushed"),
        ("labels", "colours", "labels_used"),
        ("labels", "other", "good_enough"),
    ]
    assert VersionStore(waiting.workspace, "other").versions() == [1]


def push_with_night(site: RetrainingSite) -> None:
    """Push a version that was tested on pictures of `night`, as after labels of it."""
    push = site.store.read_push(1)
    domains = {**push.domains, "night": {"accuracy": 0.8}}
    site.store.push(site.workspace / "model", replace(push, domains=domains, run_id="other run"))


def test_a_candidate_is_given_up_once_a_version_was_trained_on_labels_of_its_domains(waiting):
    give_labels(waiting, to_label(waiting), "mixed")
    write_colours(waiting.inbox / "mixed", "fog", [("red", "green")] * 9)

    def run(*arguments: Any) -> Summary:
        ended = CandidateRuns(waiting)(*arguments)
        push_with_night(waiting)
        return ended

    waiting.run(run, **OPTIONS)
    assert waiting.states() == ["awaiting_labels", "pushed"]
    waiting.run(CandidateRuns(waiting), **OPTIONS, min_pictures=30)
    assert waiting.states() == ["too_little_data", "pushed"]
    [batch, _] = waiting.batches()
    assert (batch.awaited_domains, batch.unverified_domains) == ([], ["night"])
    assert not any("label" in line for line in next_steps(waiting.batches(), waiting.workspace))


def test_labels_of_one_of_two_awaited_domains_wait_for_those_of_the_other(site):
    wrong = {
        f"{name}/_unlabelled/{n}.png": solid(shade(LABELS[(n + 1) % 3], n))
        for name, first in (("night", 0), ("fog", 500))
        for n in range(first, first + 60)
    }
    write_files(site.inbox / "dark", wrong | {"_READY": b""})
    site.run(CandidateRuns(site), **OPTIONS)
    folder = to_label(site)
    shutil.move(folder / "night", folder.parent / "night")
    give_labels(site, folder, "fog-labels")
    assert site.run(**OPTIONS) == 0
    assert site.states() == ["awaiting_labels", "too_little_data"]
    reason = site.batches()[1].reason
    assert reason.endswith(
        "; the candidate awaits labels in 'night', too. The batch waits for more"
    )
    shutil.rmtree(folder)
    shutil.move(folder.parent / "night", folder / "night")
    give_labels(site, folder, "night-labels")
    runs = CandidateRuns(site)
    assert site.run(runs, **OPTIONS) == 0
    assert runs.snapshots[0].candidate is not None
    assert site.states() == ["pushed", "labels_used", "labels_used"]


def test_labels_of_a_class_that_no_candidate_knows_decide_on_none(waiting):
    give_labels(waiting, to_label(waiting), "labels")
    path = next((waiting.inbox / "labels").glob("night/red/*.png"))
    path.parent.rename(path.parent.with_name("zebra"))
    runs = CandidateRuns(waiting)
    waiting.run(runs, **OPTIONS, allow=("new_class",))
    assert [snapshot.candidate for snapshot in runs.snapshots] == [None]
    assert "zebra" in {row["label"] for row in read_listing(runs.snapshots[0].path)}


def test_two_candidates_wait_and_the_second_is_trained_again_after_the_first_was_pushed(waiting):
    deliver_unlabelled(waiting, "darker", first=200)
    waiting.run(CandidateRuns(waiting), **OPTIONS)
    assert waiting.states() == ["awaiting_labels", "awaiting_labels"]
    give_labels(waiting, to_label(waiting), "labels")
    runs = CandidateRuns(waiting)
    assert waiting.run(runs, **OPTIONS) == 0
    assert [snapshot.candidate is None for snapshot in runs.snapshots] == [False, True]
    assert waiting.states() == ["pushed", "pushed", "labels_used"]
    assert "darker: its candidate is trained again: run " in waiting.output


def test_a_candidate_is_pushed_without_labels_where_the_config_says_so(site):
    deliver_unlabelled(site, "dark")
    runs = CandidateRuns(site)
    assert site.run(runs, **OPTIONS, unverified="push") == 0
    [batch] = site.batches()
    assert (batch.state, batch.awaited_domains) == ("pushed", [])
    assert batch.reason.endswith("pushed without any label in 'night'")
    assert runs.snapshots[0].unverified == {"night": ()}
    assert not (site.workspace / "to_label").exists()


def test_where_unlabelled_pictures_start_nothing_the_commands_that_choose_and_label_are_shown(site):
    deliver_unlabelled(site, "dark")
    # A few labels are too few, too.
    [picture, *_] = (site.inbox / "dark" / "night" / "_unlabelled").iterdir()
    label = site.inbox / "dark" / "night" / "red"
    label.mkdir()
    picture.rename(label / picture.name)
    assert site.run() == 0
    assert site.states() == ["too_little_data"]
    select, label = (line.strip() for line in site.output.splitlines()[-2:])
    assert select == (
        f"carryover select --inbox {site.inbox} --batch dark --count 100 --output dark-to-label "
        f"--workspace {site.workspace}"
    )
    assert label.startswith(f"carryover label dark-to-label --classes-from {site.workspace} ")
    assert next_steps(site.batches(), site.workspace)[0].startswith("To train on dark, label")


def test_pictures_that_were_chosen_before_the_delivery_are_the_ones_to_label(site):
    deliver_unlabelled(site, "dark")
    domain = site.inbox / "dark" / "night"
    (domain / "_unlabelled").rename(domain / "_to_label")
    site.run()
    [label] = next_steps(site.batches(), site.workspace)[1:]
    assert label == (
        f"  carryover label {site.inbox}/dark --classes-from {site.workspace} --only-labelled "
        f"--output {site.inbox}/dark-labels"
    )
    shutil.rmtree(site.inbox / "dark")
    assert "carryover select " in next_steps(site.batches(), site.workspace)[1]


def deliver_labels_of(site, name):
    """Deliver some unlabelled pictures of a batch again, with labels."""
    labels = site.inbox / f"{name}-labels" / "night" / "red"
    labels.mkdir(parents=True)
    for picture in sorted((site.inbox / name / "night" / "_unlabelled").iterdir())[:12]:
        shutil.copyfile(picture, labels / picture.name)
    (site.inbox / f"{name}-labels" / "_READY").touch()


def test_once_labels_show_that_the_serving_model_is_good_enough_no_more_are_asked_for(site):
    deliver_unlabelled(site, "dark")
    site.run()
    deliver_labels_of(site, "dark")
    site.run(good_enough=0)
    assert site.states() == ["too_little_data", "good_enough"]
    assert next_steps(site.batches(), site.workspace) == []


def test_after_a_rollback_the_next_step_delivers_the_labels_once_more(site):
    deliver_unlabelled(site, "dark")
    site.run()
    deliver_labels_of(site, "dark")
    site.run(Pipeline(PUSHED))
    labels = site.batches()[1]
    rollbacks = {(labels.digest, labels.version): Rollback()}
    assert next_steps(site.batches(), site.workspace, rollbacks) == [
        "To train on dark-labels again:",
        f"  touch {site.inbox}/dark-labels/_READY",
        f"  carryover retrain --workspace {site.workspace} --inbox {site.inbox}",
    ]


def test_once_labels_of_its_pictures_were_pushed_none_are_asked_for(site):
    deliver_unlabelled(site, "dark")
    deliver_unlabelled(site, "mist", first=500)
    site.run()
    deliver_labels_of(site, "dark")
    assert len(next_steps(site.batches(), site.workspace)) == 6
    site.run(Pipeline(PUSHED))
    assert site.states()[2] == "pushed"
    steps = next_steps(site.batches(), site.workspace)
    assert [line for line in steps if line.startswith("To ")] == [
        "To train on mist, label some of its pictures:"
    ]


def test_commands_name_the_model_where_a_workspace_has_several(waiting):
    (waiting.workspace / "serving" / "other").mkdir()
    labels = next_steps(waiting.batches(), waiting.workspace, name="colours")[1]
    assert f" --classes-from {waiting.workspace} --name colours " in labels
    assert next_steps(waiting.batches(), waiting.workspace)[1] == labels
    [batch] = waiting.batches()
    of_before = replace(batch, model="")
    assert next_steps([of_before], waiting.workspace)[1] == labels  # its run tells it
    shutil.rmtree(waiting.workspace / "runs")
    assert " --name NAME " in next_steps([of_before], waiting.workspace)[1]


def test_accept_is_not_offered_once_another_version_was_pushed_also_for_an_earlier_batch(waiting):
    [batch] = waiting.batches()
    later = replace(batch, number=2, name="mist")
    steps = next_steps([batch, later], waiting.workspace)
    assert any(line.startswith("To push the candidate of mist") for line in steps)
    pushed = replace(batch, state="pushed", version=2, finished_at="9999-12-31T23:59:59+00:00")
    steps = next_steps([pushed, later], waiting.workspace)
    assert [line for line in steps if line.startswith("To ")] == [
        "To decide on the candidate of mist, label its pictures:"
    ]


def test_the_candidate_can_be_accepted_without_labels(waiting, monkeypatch):
    [batch] = waiting.batches()

    def push(*_: object) -> int:
        model = waiting.workspace / "model"
        record = replace(waiting.store.read_push(1), accepted="looks good", batch=batch.digest)
        return waiting.store.push(model, record)

    monkeypatch.setattr("pipeline.retraining.acceptance._check_artifacts", lambda *_: None)
    monkeypatch.setattr("pipeline.retraining.acceptance._push", push)
    assert accept_candidate(waiting.workspace, str(batch.run_id), "looks good") == 2
    [batch] = waiting.batches()
    assert (batch.state, batch.version) == ("pushed", 2)
    assert "looks good" in batch.reason
    assert next_steps([batch], waiting.workspace) == []


def test_the_frames_of_a_fixed_camera_are_enough_to_decide(site):
    frames = {f"night/_unlabelled/{n}.png": frame(n) for n in range(120)}
    write_files(site.inbox / "dark", frames | {"_READY": b""})
    assert site.run(CandidateRuns(site), **OPTIONS, min_pictures=12) == 4
    assert len(list(to_label(site).glob("*/_to_label/*.png"))) == 12
    give_labels(site, to_label(site), "labels")
    runs = CandidateRuns(site)
    assert site.run(runs, **OPTIONS, min_pictures=12) == 0
    assert runs.snapshots[0].candidate is not None


def test_labels_beside_unlabelled_pictures_of_another_new_domain_are_trained_on(waiting):
    give_labels(waiting, to_label(waiting), "labels")
    fog = {f"fog/_unlabelled/{n}.png": solid(shade("red", n + 90)) for n in range(40)}
    write_files(waiting.inbox / "labels", fog)
    runs = CandidateRuns(waiting)
    waiting.run(runs, **OPTIONS)
    assert [snapshot.candidate for snapshot in runs.snapshots] == [None]
    assert list(runs.snapshots[0].unverified) == ["fog"]


def test_a_batch_whose_labels_decide_does_not_claim_that_anything_is_trained_on(waiting):
    give_labels(waiting, to_label(waiting), "labels")
    further = {f"night/_unlabelled/{n}.png": solid(shade("red", n)) for n in range(300, 340)}
    write_files(waiting.inbox / "labels", further)
    assert waiting.run(CandidateRuns(waiting), **OPTIONS) == 0
    _, labels = waiting.batches()
    assert labels.state == "labels_used"
    assert "trained on" not in labels.reason
    assert "a domain needs" not in labels.reason


def test_pictures_of_a_batch_are_read_once_and_not_at_all_for_a_candidate_of_other_domains(
    waiting, monkeypatch
):
    give_labels_in_two_batches(waiting)
    read = TrainingSet.read.__func__
    names = []

    def counted(cls: type, batch: Batch, *arguments: object) -> TrainingSet:
        names.append(batch.name)
        return read(cls, batch, *arguments)

    monkeypatch.setattr(TrainingSet, "read", classmethod(counted))
    assert waiting.run(CandidateRuns(waiting), **OPTIONS) == 0
    assert names == ["first", "second", "dark", "third"]

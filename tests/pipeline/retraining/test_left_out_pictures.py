"""Files of a batch that are no pictures, or that are in the wrong place."""

import json

import pytest
from retraining_site import CORRECT, PUSHED, WRONG, Pipeline
from tiny_pictures import solid, write_files
from tiny_workspace import write_colours

pytestmark = pytest.mark.component

MISPLACED = "not in <domain>/<class>/"
PICTURE = solid((200, 1, 1))


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"loose.png": PICTURE}, f"1 file is left out: 1 {MISPLACED} (loose.png)"),
        (
            {"night/0.png": PICTURE},
            f"1 file is left out: 1 {MISPLACED} (night/0.png)",
        ),
        (
            {"a.png": PICTURE, "night/b.png": PICTURE, "night/red/notes.txt": b"some notes"},
            f"3 files are left out: 2 {MISPLACED} (a.png, night/b.png), 1 not a picture in a known "
            "format (night/red/notes.txt)",
        ),
    ],
)
@pytest.mark.parametrize(
    ("pictures", "state"),
    [(WRONG, "pushed"), (CORRECT, "good_enough"), (WRONG[:2], "too_little_data")],
)
def test_they_are_named_and_counted_everywhere(site, files, text, pictures, state):
    write_colours(site.inbox / "monday", "night", pictures)
    write_files(site.inbox / "monday", files)
    [line] = site.preview()
    assert line.endswith(f"; {text}")
    site.run(Pipeline(PUSHED))
    [batch] = site.batches()
    assert batch.state == state
    assert batch.reason.endswith(f"; {text}")
    assert batch.reason.count(text) == 1
    assert site.events[-1]["reason"] == batch.reason
    assert site.events[-1]["left_out"] == len(files)
    told = "monday: pushed\n" if state == "pushed" else f"monday: {state}: {batch.reason}\n"
    assert site.output.endswith(told)
    assert text in site.output


NO_PICTURES = {
    "text": b"some notes",
    "empty": b"",
    "half": PICTURE[: len(PICTURE) // 2],
    "header": PICTURE[:8],
    "drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES)
@pytest.mark.parametrize("label", ["red", "_unlabelled"])
def test_files_that_are_no_pictures_count_as_nothing(site, content, label):
    write_colours(site.inbox / "monday", "night", WRONG[:2])
    write_files(site.inbox / "monday", {f"night/{label}/x{n}.png": content for n in range(9)})
    [line] = site.preview(min_pictures=4)
    assert line.startswith("monday: too_little_data: new domain 'night': 2 labelled, 9 unusable")
    site.run(min_pictures=4)
    [batch] = site.batches()
    assert batch.state == "too_little_data"
    numbers = batch.numbers["night"]
    assert (numbers["labelled"], numbers["unlabelled"], numbers["unusable"]) == (2, 0, 9)


def test_files_that_are_no_pictures_do_not_fill_up_a_later_batch(site):
    write_colours(site.inbox / "monday", "night", WRONG[:2])
    write_files(site.inbox / "monday", {f"night/red/x{n}.png": b"no picture" for n in range(9)})
    site.run(min_pictures=4)
    write_colours(site.inbox / "tuesday", "night", WRONG[:1], seed=300)
    site.run(min_pictures=4)
    assert site.states() == ["too_little_data", "too_little_data"]


def test_a_batch_of_no_pictures_is_held_with_their_names(site):
    files = {f"night/red/x{n}.png": b"no picture" for n in range(9)}
    write_files(site.inbox / "monday", files | {"_READY": b""})
    site.run()
    [batch] = site.batches()
    assert (batch.state, batch.reason) == (
        "held",
        "no picture of the batch is usable: correct its files, and deliver it again; 9 files are "
        "left out: 9 not a picture in a known format (night/red/x0.png, night/red/x1.png, "
        "night/red/x2.png, ...)",
    )


@pytest.mark.parametrize("name", ["monday", "monday.csv"])
def test_an_empty_batch_is_held_with_what_to_do(site, name):
    if name == "monday":
        (site.inbox / "monday" / "night" / "_unlabelled").mkdir(parents=True)
        remedy = "Put pictures into <domain>/<class>/ or <domain>/_unlabelled/, and deliver it"
    else:
        (site.inbox / name).write_text("path,domain,label\n")
        remedy = "Add rows, and deliver it"
    site.run()
    [batch] = site.batches()
    assert (batch.state, batch.reason) == (
        "held",
        f"no picture of the batch is usable: {site.inbox / name} is empty. {remedy} again",
    )


def test_batches_that_are_held_or_wait_add_nothing_to_a_later_one_that_would_stop_its_run(site):
    write_colours(site.inbox / "monday", "night", [("robot", "red")] * 2)
    write_colours(site.inbox / "tuesday", "night", WRONG[:2], seed=200)
    write_files(site.inbox / "tuesday", {f"night/red/x{n}.png": b"no picture" for n in range(9)})
    site.run()
    assert site.states() == ["held", "too_little_data"]
    assert "does not know these classes: 'robot' (2 pictures)" in site.batches()[0].reason
    write_colours(site.inbox / "wednesday", "night", WRONG, seed=300)
    pipeline = Pipeline(PUSHED)
    site.run(pipeline)
    assert site.states() == ["held", "too_little_data", "pushed"]
    [snapshot] = pipeline.snapshots
    rows = [json.loads(line) for line in snapshot.path.read_text().splitlines()]
    new = [row for row in rows if row["domain"] == "night"]
    assert len(new) == 2 + len(WRONG)
    assert not any("reason" in row or row["label"] == "robot" for row in new)

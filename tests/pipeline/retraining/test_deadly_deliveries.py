"""Passes over deliveries and batches at which earlier passes died, and over stray files."""

import os

import pytest
from retraining_site import CORRECT
from tiny_pictures import write_files
from tiny_workspace import write_colours

from pipeline.retraining.deliveries.inbox import find_deliveries
from pipeline.retraining.deliveries.process_deaths import MAX_DEATHS, death_stamp

pytestmark = pytest.mark.component


def die(site, key, times):
    """Leave what processes leave that died while they read something."""
    file = write_files(site.workspace / "batches" / ".reading", {key: b""}) / key
    os.truncate(file, times)


def test_a_delivery_is_given_up_with_a_notice_and_the_good_one_is_processed_before(site):
    for number, name in enumerate(("bad", "good")):
        write_colours(site.inbox / name, "night", CORRECT, seed=400 + 20 * number)
    [bad] = (one for one in find_deliveries(site.inbox, 0) if one.name == "bad")
    die(site, death_stamp(bad), MAX_DEATHS)
    [failed, good] = sorted(line.split(": the process")[0] for line in site.preview())
    assert (failed, good.split(":")[:2]) == ("bad: failed", ["good", " good_enough"])
    assert site.run() == 0
    assert [(batch.name, batch.state) for batch in site.batches()] == [
        ("good", "good_enough"),
        ("bad", "failed"),
    ]
    events = [(event["event"], event["batch"]) for event in site.events]
    assert events[-3:] == [("good_enough", "good"), ("taken", "bad"), ("failed", "bad")]
    site.run()
    assert "nothing to do" in site.output


def test_a_batch_is_given_up_that_ends_the_process_when_it_is_assessed(site, monkeypatch):
    write_colours(site.inbox / "monday", "night", CORRECT, seed=400)
    monkeypatch.setattr(type(site.a_pass()), "_process_all", lambda *_, **__: {})
    site.run()
    monkeypatch.undo()
    [batch] = site.batches()
    die(site, batch.digest, MAX_DEATHS)
    assert site.run() == 1
    assert site.states() == ["failed"]
    assert site.events[0]["reason"].startswith("the process ended 3 times while reading")
    (site.inbox / "monday" / "_READY").touch()
    assert site.run() == 0
    assert site.states() == ["failed", "good_enough"]


def test_a_file_that_is_no_delivery_is_told_by_one_pass_and_by_every_dry_run(site):
    write_files(site.inbox, {"a.zip": b"", "b.part": b""})
    line = "left alone: a.zip is neither a folder nor a manifest (.csv or .parquet)"
    assert site.preview() == [line]
    assert site.run() == 0
    assert site.output.splitlines() == [line]
    [event] = site.events
    assert (event["event"], event["files"], event["count"]) == ("left_alone", ["a.zip"], 1)
    assert site.run() == 0
    assert (site.events, "nothing to do" in site.output) == ([], True)

"""Deliveries that no one should make: each has an outcome, and none stops the one after it."""

import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from poisoned_deliveries import POISON
from retraining_site import RetrainingSite
from tiny_workspace import write_colours

from pipeline.retraining.assessing import assessment
from pipeline.retraining.notices import Notices
from trainer_module.contract.printable_names import printable_name

pytestmark = pytest.mark.component


@pytest.fixture(name="site")
def _site(served, monkeypatch):
    """Fill an inbox with all poison, and with a good batch after each."""
    # Not in `tmp_path`: pytest cannot remove folders that are so deep.
    root = Path(tempfile.mkdtemp(prefix="poison-"))
    try:
        shutil.copytree(served, root / "workspace")
        site = RetrainingSite(root)
        for number, poison in enumerate(POISON):
            poison.make(site.inbox / poison.name)
            name = f"{poison.name[:200]}-good"
            write_colours(site.inbox / name, "day", GOOD, seed=1000 + 10 * number)
        # The model is loaded once, not once per batch.
        classifier = functools.cache(assessment.SavedModelClassifier)
        monkeypatch.setattr(assessment, "SavedModelClassifier", classifier)
        yield site
    finally:
        subprocess.run(["/bin/rm", "-rf", str(root)], check=True)


GOOD = [("red", "red"), ("green", "green")]


def test_every_good_batch_is_taken_in_the_pass_that_tells_of_every_poisoned_one(site, tmp_path):
    received = tmp_path / "received"
    command = ("/bin/sh", "-c", 'cat >> "$0"; echo >> "$0"', str(received))
    assert len(POISON) >= 40
    assert site.run(notices=Notices(None, command), allowed_roots=[], min_pictures=1) == 0
    by_name = {batch.name: batch for batch in site.batches()}
    assert len(by_name) == 2 * len(POISON)
    good = {by_name[f"{printable_name(poison.name[:200])}-good"].state for poison in POISON}
    assert good == {"good_enough"}
    told = [json.loads(line) for line in received.read_text().splitlines()]
    events = {event["batch"]: event["reason"] for event in told}
    lines = site.output.splitlines()
    for poison in POISON:
        name = printable_name(poison.name)
        batch = by_name[name]
        assert (name, batch.state, reason_of(poison, batch.reason)) == (
            name,
            poison.state,
            poison.reason,
        )
        assert events[name] == batch.reason
        assert f"{name}: {batch.state}: {batch.reason}" in lines
        assert len(batch.reason) < 1500


def reason_of(poison, reason):
    """Return the part of a reason that is expected, or the whole reason where it is not in it."""
    return poison.reason if poison.reason in reason else reason

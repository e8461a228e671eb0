"""What systems, network storage and download tools leave in an inbox and in a batch."""

import pytest
from retraining_site import CORRECT
from tiny_pictures import solid, write_files
from tiny_workspace import write_colours

pytestmark = pytest.mark.component


@pytest.mark.parametrize("folder", ["@eaDir", "lost+found", "~snapshot", ".Trash-1000"])
def test_a_pass_takes_no_folder_of_a_system_for_a_batch(site, folder):
    write_colours(site.inbox / folder, "night", CORRECT, seed=400)
    assert site.run() == 0
    assert site.batches() == []
    assert "nothing to do" in site.output


def test_files_of_systems_in_a_batch_are_told_by_kind_and_assessed_as_nothing(site):
    write_colours(site.inbox / "monday", "night", CORRECT, seed=400)
    pictures = len(list((site.inbox / "monday").rglob("*.png")))
    names = ("night/red/@eaDir/1.png/thumb.png", "night/blue/._1.png", "night/blue/2.png.part")
    write_files(site.inbox / "monday", dict.fromkeys(names, solid("green")))
    assert site.run() == 0
    text = "Left alone: hidden file (1), system file (1), unfinished download (1)."
    assert f"monday: {text}" in site.output
    [batch] = site.batches()
    assert (batch.state, batch.numbers["night"]["labelled"]) == ("good_enough", pictures)
    # A system that adds a file later is no new delivery.
    write_files(site.inbox / "monday", {"night/green/Thumbs.db": b"x"})
    assert site.run() == 0
    assert len(site.batches()) == 1

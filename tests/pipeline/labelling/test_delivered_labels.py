"""A second round of labels shows the pictures alone that were not delivered with a label."""

import shutil
from pathlib import Path

import pytest
from retraining_site import PUSHED, Pipeline, RetrainingSite
from tiny_pictures import solid, write_files
from tiny_workspace import shade

from pipeline.labelling.decision_journal import DecisionJournal
from pipeline.labelling.label_server import LabelOptions, label
from pipeline.version_lookup import roll_back
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

COUNT = 6


@pytest.fixture(name="site")
def _site(served: Path, tmp_path: Path) -> RetrainingSite:
    shutil.copytree(served, tmp_path / "workspace")
    return RetrainingSite(tmp_path)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    pictures = {f"night/_to_label/{n}.png": solid(shade("red", n)) for n in range(COUNT)}
    return write_files(tmp_path / "to-label", pictures)


def decide(folder: Path, output: Path, *names: int) -> None:
    """Add labels to the journal of a batch, as the page does."""
    journal = DecisionJournal(output.with_name(f".{output.name}.labels.jsonl"))
    for name in names:
        path = folder / f"night/_to_label/{name}.png"
        status = path.stat()
        journal.append(
            {"path": str(path.relative_to(folder)), "bytes": status.st_size}
            | {"modified": status.st_mtime_ns, "decision": "labelled", "label": "red"}
        )
    journal.close()


def finish(site: RetrainingSite, folder: Path, name: str, *names: int) -> list[str]:
    """Label some pictures, and return the names of those in the batch."""
    output = site.inbox / name
    decide(folder, output, *names)
    label(LabelOptions(folder, site.workspace, output=output), finish=True)
    return sorted(path.name for path in output.rglob("*.png"))


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_second_round_leaves_out_what_was_delivered_and_says_how_many(
    site, folder, capsys, is_taken
):
    write_files(site.inbox / "other", {"day/red/1.png": solid("red"), "_READY": b""})
    site.run()  # the workspace knows its inbox
    output = site.inbox / "labels"
    decide(folder, output, 0, 1)
    label(LabelOptions(folder, site.workspace, None, output, None, True), finish=True)
    if is_taken:
        site.run()
        assert site.states() == ["too_little_data", "too_little_data"]
    capsys.readouterr()
    assert finish(site, folder, "labels-2", 2) == ["2.png", "3.png", "4.png", "5.png"]
    printed = capsys.readouterr().out
    assert printed.splitlines()[0] == "Left out: 2 pictures that have a label in a delivered batch."
    assert "added since the start" not in printed


def test_where_all_were_delivered_the_error_says_how_labels_are_changed(site, folder):
    finish(site, folder, "labels", *range(COUNT))
    site.run()
    with pytest.raises(InputError, match=r"remove their batch from the inbox, and give its path"):
        finish(site, folder, "labels-2")
    shutil.rmtree(site.inbox / "labels")
    assert len(finish(site, folder, "labels", 1)) == COUNT


def test_pictures_whose_labels_were_held_are_shown_again(site, folder):
    write_files(site.inbox / "labels", {"night/pink/0.png": solid(shade("red", 0)), "_READY": b""})
    site.run()
    assert site.states() == ["held"]
    assert len(finish(site, folder, "labels-2", 0)) == COUNT


def test_pictures_with_different_labels_are_shown_until_most_batches_agree(site, folder):
    def write(name: str, label: str) -> None:
        picture = {f"night/{label}/{n}.png": solid(shade("red", n)) for n in range(2)}
        write_files(site.inbox / name, picture | {"_READY": b""})

    finish(site, folder, "mine", *range(COUNT))
    site.run(min_pictures=9)
    write("yours", "green")
    site.run(min_pictures=9)
    shutil.rmtree(site.inbox / "yours")
    # The batch that is corrected, and one more.
    assert finish(site, folder, "yours", 0) == ["0.png", "1.png"]
    assert finish(site, folder, "labels", 0) == ["0.png", "1.png"]
    shutil.rmtree(site.inbox / "labels")
    write("labels", "red")
    with pytest.raises(InputError, match="were delivered with a label"):
        finish(site, folder, "further")


def test_pictures_of_a_batch_that_was_rolled_back_are_shown_again(site, folder):
    write_files(site.inbox / "labels", {"night/green/0.png": solid(shade("red", 0)), "_READY": b""})
    site.run(Pipeline(PUSHED), min_pictures=1)
    assert site.states() == ["pushed"]
    assert len(finish(site, folder, "more", 1)) == COUNT - 1
    roll_back(site.store, "bad labels")
    assert len(finish(site, folder, "again", 1)) == COUNT

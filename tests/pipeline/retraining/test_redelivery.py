"""Every state of a batch times every way to deliver it again, see docs/retraining.md."""

import os
import re
import shutil
from collections.abc import Callable

import pytest
from documentation import page
from retraining_site import (
    CORRECT,
    PUSHED,
    REJECTED,
    RUN_FAILED,
    WRONG,
    KilledError,
    Pipeline,
    RetrainingSite,
)
from tiny_pictures import solid, write_files
from tiny_workspace import push_copy, write_colours

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.retraining.batch import AWAITING, DROPPED, KEPT
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component

#: States that are tested with one way to deliver per column: all of `KEPT` are treated alike.
OF_LABELS = (AWAITING, "labels_used")


def push(site: RetrainingSite) -> Callable[[RunConfig, Workspace, Snapshot], Summary]:
    """Return a run of the pipeline that pushes a version."""

    def run(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        push_copy(site.store, site.workspace / "model", f"run of {snapshot.batch}", snapshot.batch)
        return PUSHED.model_copy(update={"pushed_version": site.store.newest()})

    return run


def bring_to(site: RetrainingSite, state: str) -> None:
    """Deliver the batch `monday`, and bring it to a state."""
    if state in OF_LABELS:  # a delivery is compared with the state alone
        bring_to(site, "too_little_data")
        Ledger(site.workspace).update(1, state=state)
        return
    if state == "duplicate":
        write_colours(site.inbox / "sunday", "night", CORRECT)
        site.run()
    domain = "day" if state == "held" else "night"
    pictures = {"too_little_data": WRONG[:2], "good_enough": CORRECT, "duplicate": CORRECT}
    write_colours(site.inbox / "monday", domain, pictures.get(state, WRONG))
    if state == "taken":
        with pytest.raises(KilledError):
            site.run(Pipeline(KilledError()))
    else:
        results = {"rejected": Pipeline(REJECTED), "failed": Pipeline(RUN_FAILED)}
        site.run(results.get(state, push(site)), attempts=1)
    if state == "rolled back":
        site.store.roll_back()
    assert site.batches()[-1].state == ("pushed" if state == "rolled back" else state)


def touch(site: RetrainingSite) -> str:
    os.utime(site.inbox / "monday" / "_READY", (10**9, 10**9))
    return "monday"


def copy_again(site: RetrainingSite) -> str:
    shutil.copytree(site.inbox / "monday", site.inbox / "copy", copy_function=shutil.copyfile)
    shutil.rmtree(site.inbox / "monday")
    (site.inbox / "copy").rename(site.inbox / "monday")
    return "monday"


def rename(site: RetrainingSite) -> str:
    (site.inbox / "monday").rename(site.inbox / "tuesday")
    return "tuesday"


def copy_to_another_name(site: RetrainingSite) -> str:
    shutil.copytree(site.inbox / "monday", site.inbox / "tuesday")
    return "tuesday"


def change(site: RetrainingSite) -> str:
    write_files(site.inbox / "monday", {"night/red/more.png": solid((99, 1, 2))})
    return "monday"


def leave(site: RetrainingSite) -> str:
    return "monday"


#: Ways to deliver a batch again, by the column of the table.
WAYS = {
    "lies there": [leave],
    "same name": [touch, copy_again],
    "other name": [rename, copy_to_another_name],
    "changed": [change],
}

#: Outcomes by state and column. "-": nothing, no batch is added.
TABLE = {
    "pushed": {"lies there": "-", "same name": "-", "other name": "duplicate", "changed": "taken"},
    "rolled back": {
        "lies there": "-",
        "same name": "taken",
        "other name": "taken",
        "changed": "taken",
    },
    "taken": {
        "lies there": "resumed",
        "same name": "resumed",
        "other name": "duplicate",
        "changed": "taken",
    },
    "duplicate": {
        "lies there": "-",
        "same name": "duplicate",
        "other name": "duplicate",
        "changed": "taken",
    },
}
TABLE |= dict.fromkeys(KEPT, TABLE["pushed"])
TABLE |= dict.fromkeys(DROPPED, TABLE["rolled back"])

CASES = [
    (state, column, way)
    for state, row in TABLE.items()
    for column, ways in WAYS.items()
    for way in (ways[:1] if state in OF_LABELS else ways)
]


@pytest.mark.parametrize(("state", "column", "deliver"), CASES)
def test_a_batch_that_is_delivered_again(site, state, column, deliver):
    bring_to(site, state)
    before = site.batches()
    name = deliver(site)
    site.run(Pipeline(REJECTED))
    added = site.batches()[len(before) :]
    expected = TABLE[state][column]
    if expected in ("-", "resumed"):
        assert added == []
        resumed = [event for event in site.events if event["event"] == "rejected"]
        assert len(resumed) == (expected == "resumed")
    else:
        [batch] = added
        assert (batch.name, batch.finished_at is not None) == (name, True)
        [taken] = [event for event in site.events if event["event"] == "taken"]
        assert (taken["state"], taken["number"]) == (expected, batch.number)
        replaced = site.batches()[len(before) - 1].replaced_by
        assert replaced == (None if expected == "duplicate" or state == "duplicate" else 2)
    site.run()
    assert len(site.batches()) == len(before) + len(added)


@pytest.mark.parametrize("state", DROPPED)
def test_a_batch_that_comes_back_after_a_while_is_delivered_again(site, state, tmp_path):
    write_colours(site.inbox / "other", "night", CORRECT[:1])
    site.run()
    bring_to(site, state)
    (site.inbox / "monday").rename(tmp_path / "monday")
    site.run()
    (tmp_path / "monday").rename(site.inbox / "monday")
    assert site.batches()[-1].number == 2
    site.run(Pipeline(PUSHED))
    assert (site.batches()[-1].number, site.batches()[-1].name) == (3, "monday")
    assert f"monday: taken again: batch 2 was {state}" in site.output


def test_an_inbox_that_is_not_mounted_for_a_while_changes_nothing(site, tmp_path):
    bring_to(site, "rejected")
    (site.inbox / "monday").rename(tmp_path / "monday")
    site.run()
    (tmp_path / "monday").rename(site.inbox / "monday")
    assert site.run() == 0
    assert site.states() == ["rejected"]


def test_another_inbox_of_the_same_workspace_changes_nothing(site, tmp_path):
    bring_to(site, "rejected")
    write_colours(tmp_path / "elsewhere" / "tuesday", "night", CORRECT)
    site.run(inbox=tmp_path / "elsewhere")
    assert site.run() == 0
    assert site.states() == ["rejected", "good_enough"]


@pytest.mark.parametrize("state", DROPPED)
def test_a_pass_says_which_batches_are_not_taken_again_by_themselves(site, state):
    bring_to(site, state)
    site.run()
    assert site.output == (
        f"nothing to do in {site.inbox}: 1 {state}, until a file of the batch, or its manifest, is "
        "changed or touched\n"
    )


def test_a_known_batch_whose_times_changed_is_told_once(site):
    bring_to(site, "good_enough")
    touch(site)
    site.run()
    text = "monday: nothing to do: the same pictures as before (batch 1, good_enough)\n"
    assert site.output == text
    site.run()
    assert site.output == f"nothing to do in {site.inbox}\n"


def test_a_batch_that_was_failed_has_all_attempts_again(site):
    bring_to(site, "failed")
    touch(site)
    assert site.run(Pipeline(RUN_FAILED), attempts=2) == 1
    attempts = [(batch.state, batch.attempts) for batch in site.batches()]
    assert attempts == [("failed", 1), ("taken", 1)]


def test_a_batch_that_goes_back_to_what_it_was_is_taken_even_with_its_old_times(site, tmp_path):
    bring_to(site, "good_enough")
    shutil.copytree(site.inbox / "monday", tmp_path / "kept")
    change(site)
    site.run(Pipeline(PUSHED))
    shutil.rmtree(site.inbox / "monday")
    shutil.copytree(tmp_path / "kept", site.inbox / "monday")
    site.run(Pipeline(PUSHED))
    first, second, third = site.batches()
    assert first.digest == third.digest != second.digest
    assert (first.replaced_by, second.replaced_by, third.replaced_by) == (2, 3, None)


def test_the_pictures_of_a_rolled_back_batch_are_trained_on_again(site):
    bring_to(site, "rolled back")
    touch(site)
    pipeline = Pipeline(REJECTED)
    site.run(pipeline)
    assert pipeline.snapshots[0].new_folders == (f"batches/{site.batches()[1].digest}",)


def test_a_version_that_was_rolled_back_before_the_delivery_came_is_no_outcome_of_it(site):
    bring_to(site, "rolled back")
    Ledger(site.workspace).update(1, version=9)  # accepted for it, and rolled back, too
    touch(site)
    pipeline = Pipeline(REJECTED)
    site.run(pipeline)
    assert len(pipeline.snapshots) == 1
    assert site.states() == ["pushed", "rejected"]


def test_the_versions_of_a_lost_ledger_are_found_even_if_they_were_rolled_back(site):
    bring_to(site, "rolled back")
    (site.workspace / "ledger.sqlite").unlink()
    site.run()
    assert [(batch.state, batch.version) for batch in site.batches()] == [("pushed", 2)]


def test_a_batch_whose_rolled_back_version_was_deleted_is_taken_again_with_a_new_number(site):
    bring_to(site, "rolled back")
    shutil.rmtree(site.workspace / "rolled_back")
    touch(site)
    site.run(push(site))
    versions = [(batch.state, batch.version) for batch in site.batches()]
    assert versions == [("pushed", 2), ("pushed", 3)]


@pytest.mark.parametrize("way", [touch, rename])
@pytest.mark.parametrize("is_rolled_back", [True, False])
def test_a_batch_whose_version_was_removed_is_taken_again_after_a_later_push(
    site, way, is_rolled_back
):
    bring_to(site, "rolled back" if is_rolled_back else "pushed")
    folder = site.store.rolled_back if is_rolled_back else site.store.serving
    shutil.rmtree(folder / "2")
    write_colours(site.inbox / "another", "dusk", WRONG, seed=500)
    site.run(push(site))
    assert site.store.versions() == [1, 3]
    way(site)
    pipeline = Pipeline(REJECTED)
    site.run(pipeline)
    assert site.batches()[-1].state == "rejected"
    assert pipeline.snapshots[0].new_folders == (f"batches/{site.batches()[0].digest}",)


def test_the_documentation_has_this_table():
    rows = re.findall(
        r"^\| `([\w` ,]+?)`(, rolled back)? \|(.*)\|$",
        page("docs/retraining.md").text.partition("## Delivered again")[2].partition("\n## ")[0],
        re.MULTILINE,
    )
    documented = {}
    for names, rolled_back, cells in rows:
        for name in ["rolled back"] if rolled_back else re.findall(r"\w+", names):
            documented[name] = [cell.strip().split()[0].strip("`,;") for cell in cells.split("|")]
    words = {"-": "nothing"}
    for state, row in TABLE.items():
        assert documented[state] == [words.get(outcome, outcome) for outcome in row.values()], state

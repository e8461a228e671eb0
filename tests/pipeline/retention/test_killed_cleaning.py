"""A cleaning that is killed with SIGKILL before any of its steps leaves a workspace that works."""

from itertools import count

import pytest
from killed_cleaning import clean_and_die
from old_workspace import OldWorkspace, open_store

from pipeline.retention.cleaning import clean_workspace
from pipeline.retention.kept_state import PendingBatches

KEEP = 2


@pytest.fixture(name="template", scope="module")
def _template(tmp_path_factory: pytest.TempPathFactory) -> OldWorkspace:
    """A workspace with five versions, one of them rolled back, and runs that pushed none."""
    old = OldWorkspace(tmp_path_factory.mktemp("template") / "workspace")
    old.add_runs(3)
    old.store.roll_back()
    old.add_run("failed")
    old.add_run("rejected")
    old.add_runs(2)
    return old


def lineage(old: OldWorkspace) -> tuple[list[int], list[int]]:
    """Return the ids of the artifacts and executions in ML Metadata."""
    store = open_store(old.workspace.metadata)
    return (
        sorted(one.id for one in store.get_artifacts()),
        sorted(one.id for one in store.get_executions()),
    )


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.soak), 11])
def test_after_a_kill_before_any_step_nothing_is_half_there_and_a_second_cleaning_finishes(
    template, tmp_path, stride
):
    undisturbed = template.copy_to(tmp_path / "undisturbed")
    clean_workspace(undisturbed.workspace, KEEP, PendingBatches)
    expected, rows = undisturbed.files(), lineage(undisturbed)
    kills = 0
    for step in count(1, stride):
        old = template.copy_to(tmp_path / "workspace")
        if not clean_and_die(old.workspace, KEEP, step):
            break
        kills += 1
        old.check()
        assert old.store.newest() == 5
        clean_workspace(old.workspace, KEEP, PendingBatches)
        assert old.files() == expected, step
        assert lineage(old) == rows, step
    assert kills * stride > 60


def test_cleanings_that_are_all_killed_come_to_an_end(template, tmp_path):
    old = template.copy_to(tmp_path / "workspace")
    number = 0
    # Some steps are within the transaction of ML Metadata, which begins anew every time.
    while clean_and_die(old.workspace, KEEP, step=1 + 37 * number % 101):
        old.check()
        number += 1
    assert number > 3
    assert clean_workspace(old.workspace, KEEP, PendingBatches).removed == []

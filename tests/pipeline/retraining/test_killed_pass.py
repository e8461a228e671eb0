"""Passes that are killed at every step, in the order of the steps, and the pass that resumes."""

import shutil

import pytest
from retraining_site import PUSHED, WRONG, KilledError, OnEvent, Pipeline, be_killed
from tiny_workspace import push_copy, write_colours

from pipeline.config.run_config import RunConfig
from pipeline.inputs.snapshot import Snapshot
from pipeline.retraining.deliveries.batch_store import BatchStore
from pipeline.retraining.deliveries.inbox import find_deliveries
from pipeline.retraining.ledger import Ledger
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component


def test_a_pass_that_was_killed_after_the_copy_copies_the_delivery_again(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    [delivery] = find_deliveries(site.inbox, 0)
    BatchStore(site.workspace / "batches").add(delivery)
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_pass_that_was_killed_before_the_assessment_is_resumed_without_the_delivery(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    [delivery] = find_deliveries(site.inbox, 0)
    stored = BatchStore(site.workspace / "batches").add(delivery)
    Ledger(site.workspace).add(delivery.name, "", stored.digest, stored.stamp)
    shutil.rmtree(delivery.path)
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_pass_that_was_killed_between_assessment_and_run_is_resumed(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    with pytest.raises(KilledError):
        site.run(notices=OnEvent("retraining", be_killed))
    [batch] = site.batches()
    assert (batch.state, batch.finished_at) == ("taken", None)
    assert batch.numbers["night"]["accuracy"] == 0
    assert site.run(Pipeline(PUSHED)) == 0
    assert site.states() == ["pushed"]


def test_a_pass_that_was_killed_in_its_run_is_resumed_with_the_same_pictures(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    killed, resumed = Pipeline(KilledError()), Pipeline(PUSHED)
    with pytest.raises(KilledError):
        site.run(killed)
    assert site.states() == ["taken"]
    assert site.run(resumed) == 0
    assert killed.snapshots == resumed.snapshots
    assert (site.states(), site.batches()[0].attempts) == (["pushed"], 0)


def test_a_version_of_a_killed_pass_is_found_and_not_trained_again(site):
    def push_and_be_killed(config: RunConfig, workspace: Workspace, snapshot: Snapshot) -> Summary:
        push_copy(site.store, site.workspace / "model", "run 2", snapshot.batch)
        raise KilledError

    write_colours(site.inbox / "monday", "night", WRONG)
    with pytest.raises(KilledError):
        site.run(push_and_be_killed)
    assert site.run() == 0
    [batch] = site.batches()
    assert (batch.state, batch.reason, batch.version) == ("pushed", "version 2", 2)
    assert batch.run_id == "run 2"
    assert site.event_names() == ["pushed"]
    assert site.store.versions() == [1, 2]


def test_a_pass_that_was_killed_before_its_last_event_has_finished_the_batch(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    with pytest.raises(KilledError):
        site.run(Pipeline(PUSHED), OnEvent("pushed", be_killed))
    assert site.states() == ["pushed"]
    assert site.run() == 0
    assert "nothing to do" in site.output


def test_an_open_batch_is_processed_when_the_inbox_is_unavailable(site):
    write_colours(site.inbox / "monday", "night", WRONG)
    with pytest.raises(KilledError):
        site.run(Pipeline(KilledError()))
    shutil.rmtree(site.inbox)
    with pytest.raises(InputError, match="does not exist"):
        site.run(Pipeline(PUSHED))
    assert site.states() == ["pushed"]

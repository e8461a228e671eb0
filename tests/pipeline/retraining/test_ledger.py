from pathlib import Path

import pytest

from pipeline.retraining.ledger import Entry, Ledger, read_entries


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def take(ledger: Ledger, name: str, digest: str, stamp: str = "") -> Entry:
    entry = ledger.take(name, f"/inbox/{name}", digest, stamp or f"stamp of {digest}")
    assert entry
    return entry


def test_batches_are_numbered_in_the_order_of_arrival_and_open(ledger):
    assert [take(ledger, name, name).number for name in ("b", "a")] == [1, 2]
    assert {entry.state for entry in ledger.entries()} == {"taken"}


def test_the_end_of_a_batch_outlives_the_process(ledger, tmp_path):
    first = take(ledger, "a", "1")
    ledger.note(first.number, numbers={"night": {"accuracy": 0.5}})
    ledger.finish(first.number, "pushed", "version 2", run_id="run", version=2)
    [entry] = read_entries(tmp_path)
    assert (entry.state, entry.version, entry.run_id) == ("pushed", 2, "run")
    assert entry.numbers == {"night": {"accuracy": 0.5}}
    assert entry.finished_at


def test_the_same_pictures_under_another_name_are_a_duplicate(ledger):
    take(ledger, "monday", "1")
    again = take(ledger, "tuesday", "1")
    assert again.state == "duplicate"
    assert again.reason == "the same pictures came as batch 1, monday"
    assert ledger.read(1).replaced_by is None


def test_a_corrected_delivery_takes_the_place_of_the_first(ledger):
    ledger.finish(take(ledger, "monday", "1").number, "rejected", "worse")
    assert take(ledger, "monday", "2").state == "taken"
    first = ledger.read(1)
    assert (first.replaced_by, first.state) == (2, "rejected")


def test_a_delivery_corrected_before_it_was_looked_at_is_at_its_end(ledger):
    take(ledger, "monday", "1")
    take(ledger, "monday", "2")
    assert ledger.read(1).state == "replaced"
    assert ledger.read(2).state == "taken"


def test_what_was_replaced_may_come_back(ledger):
    for digest in ("1", "2", "1"):
        take(ledger, "monday", digest)
    assert [entry.state for entry in ledger.entries()] == ["replaced", "replaced", "taken"]


def test_a_batch_whose_times_alone_changed_is_the_same_batch(ledger):
    take(ledger, "monday", "1", stamp="first")
    assert ledger.knows("monday", "first")
    assert not ledger.knows("monday", "second")
    assert ledger.take("monday", "/inbox/monday", "1", "second") is None
    assert ledger.knows("monday", "second")
    assert len(ledger.entries()) == 1


def test_a_workspace_without_a_ledger_has_no_batches_and_gets_none_by_looking(tmp_path):
    assert read_entries(tmp_path) == []
    assert list(tmp_path.iterdir()) == []

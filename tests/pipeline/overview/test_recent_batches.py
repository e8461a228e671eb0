import sqlite3

import pytest
from overview_site import add_batch, make_site

from pipeline.overview.recent_batches import RecentBatches, read_recent_batches
from pipeline.retraining.batch import FILE
from pipeline.retraining.ledger import Ledger
from trainer_module.contract.errors import InputError


def test_the_newest_batches_come_first_and_all_are_counted(tmp_path):
    make_site(tmp_path)
    recent = read_recent_batches(tmp_path, 2)
    assert [one.name for one in recent.batches] == ["wednesday", "<i>tuesday"]
    assert recent.total == 3
    assert recent.names == {"monday", "<i>tuesday", "wednesday"}


def test_a_workspace_without_a_ledger_has_no_batches_and_gets_no_ledger(tmp_path):
    assert read_recent_batches(tmp_path, 2) == RecentBatches([], 0)
    assert list(tmp_path.iterdir()) == []


def test_reading_changes_nothing_not_even_a_ledger_of_an_earlier_version(tmp_path):
    add_batch(Ledger(tmp_path), "monday", "held", "reason")
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("alter table batches drop column accepted")
        connection.execute("pragma user_version = 1")
    before = (tmp_path / FILE).read_bytes()
    [batch] = read_recent_batches(tmp_path, 5).batches
    assert (batch.state, batch.accepted) == ("held", "")
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("content", [b"no database " * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_ledger_is_named(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=FILE):
        read_recent_batches(tmp_path, 5)


def test_a_table_of_another_program_is_named(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("create table batches (number integer)")
        connection.execute("insert into batches values (1)")
    with pytest.raises(InputError, match="cannot be read"):
        read_recent_batches(tmp_path, 5)


def test_a_ledger_that_is_locked_by_a_pass_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.overview.recent_batches.LOCK_SECONDS", 0)
    add_batch(Ledger(tmp_path), "monday", "held", "reason")
    connection = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    connection.execute("begin exclusive")
    with pytest.raises(InputError, match="locked"):
        read_recent_batches(tmp_path, 5)
    connection.close()

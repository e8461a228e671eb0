"""Damage to the database of ML Metadata, and artifacts that it does not know."""

import sqlite3
from pathlib import Path

import pytest
from damaged_files import (
    DAMAGES,
    cut_off,
    damage_id,
    empty,
    fill_with_zeros,
    replace_by_a_folder,
    restored,
)

from pipeline.report.lineage import newest_execution, read_lineage
from trainer_module.contract.errors import UnavailableError


@pytest.fixture(name="database")
def _database(tmp_path: Path) -> Path:
    """The database of a workspace with 300 executions."""
    path = tmp_path / "my [old] work#space" / "metadata.sqlite"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("create table Execution (id integer primary key, name text)")
        rows = [(f"component {number}" * 20,) for number in range(300)]
        connection.executemany("insert into Execution (name) values (?)", rows)
    connection.close()
    return path


@pytest.mark.parametrize("will_write", [False, True])
def test_the_newest_execution_is_the_highest_id(database, will_write):
    assert newest_execution(database, will_write) == 300


@pytest.mark.parametrize("will_write", [False, True])
def test_without_a_database_and_with_an_empty_one_there_is_no_execution(database, will_write):
    empty(database)
    assert newest_execution(database, will_write) == 0
    assert read_lineage(database, "run") == []
    database.unlink()
    assert newest_execution(database, will_write) == 0
    assert read_lineage(database, "run") == []
    assert not database.exists()


@pytest.mark.parametrize("will_write", [False, True])
@pytest.mark.parametrize("damage", [one for one in DAMAGES if one is not empty], ids=damage_id)
def test_a_damaged_database_is_named_at_once_with_what_to_do(database, damage, will_write):
    with restored(database):
        damage(database)
        with pytest.raises(UnavailableError) as error:
            newest_execution(database, will_write)
        assert str(error.value).startswith(f"ML Metadata {database}")
        if damage is not replace_by_a_folder:
            assert " is damaged: " in str(error.value)
            assert f"or move it and the folder {database.parent / 'artifacts'} away" in str(
                error.value
            )
    assert newest_execution(database, will_write) == 300


@pytest.mark.parametrize("damage", [cut_off, fill_with_zeros], ids=damage_id)
def test_a_report_says_that_the_database_is_damaged_without_opening_ml_metadata(database, damage):
    damage(database)
    with pytest.raises(UnavailableError, match=r"is damaged: .*Restore it from a backup"):
        read_lineage(database, "run")


def test_pages_in_the_middle_of_the_database_are_checked(database):
    content = bytearray(database.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = bytes(8192)
    database.write_bytes(content)
    with pytest.raises(UnavailableError, match="is damaged: "):
        newest_execution(database)


def test_a_locked_database_is_told_as_such(database, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda path, timeout=0, **more: connect(path, timeout=0.01, **more)
    )
    holder = connect(database, isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.raises(UnavailableError) as error:
        newest_execution(database, will_write=True)
    assert f"ML Metadata {database}: database is locked." in str(error.value)
    assert "close programs that use it, and run the command again." in str(error.value)
    holder.close()
    assert newest_execution(database, will_write=True) == 300

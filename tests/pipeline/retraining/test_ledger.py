import os
import sqlite3
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.retraining.batch import FILE, SCHEMA_VERSION, Batch
from pipeline.retraining.ledger import Ledger, read_batches
from trainer_module.contract.errors import InputError, UnavailableError

#: Dump of a ledger that was written before ledgers had a schema version.
WITHOUT_VERSION = Path(__file__).with_name("ledger_without_version.sql")


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def add(ledger: Ledger, name: str, digest: str, stamp: str = "") -> Batch:
    batch = ledger.add(name, f"/inbox/{name}", digest, stamp or f"stamp of {digest}")
    assert batch
    return batch


def run_sql(workspace: Path, script: str) -> None:
    connection = sqlite3.connect(workspace / FILE)
    connection.executescript(script)
    connection.close()


def schema_version(workspace: Path) -> int:
    connection = sqlite3.connect(workspace / FILE)
    (version,) = connection.execute("pragma user_version").fetchone()
    connection.close()
    return int(version)


def test_batches_are_numbered_in_the_order_of_arrival_and_open(ledger):
    assert [add(ledger, name, name).number for name in ("b", "a")] == [1, 2]
    assert {batch.state for batch in ledger.batches()} == {"taken"}


def test_the_final_state_of_a_batch_outlives_the_process(ledger, tmp_path):
    first = add(ledger, "a", "1")
    ledger.update(first.number, numbers={"night": {"accuracy": 0.5}})
    ledger.finish(first.number, "pushed", "version 2", run_id="run", version=2)
    [batch] = read_batches(tmp_path)
    assert (batch.state, batch.version, batch.run_id) == ("pushed", 2, "run")
    assert batch.numbers == {"night": {"accuracy": 0.5}}
    assert batch.finished_at


def test_the_same_pictures_under_another_name_are_a_duplicate(ledger):
    add(ledger, "monday", "1")
    again = add(ledger, "tuesday", "1")
    assert again.state == "duplicate"
    assert again.reason == "the same pictures arrived as batch 1, monday"
    assert ledger.read(1).replaced_by is None


def test_a_corrected_delivery_replaces_the_first(ledger):
    ledger.finish(add(ledger, "monday", "1").number, "rejected", "worse")
    assert add(ledger, "monday", "2").state == "taken"
    first = ledger.read(1)
    assert (first.replaced_by, first.state) == (2, "rejected")


def test_a_delivery_that_is_corrected_before_its_assessment_is_finished(ledger):
    add(ledger, "monday", "1")
    add(ledger, "monday", "2")
    assert ledger.read(1).state == "replaced"
    assert ledger.read(2).state == "taken"


def test_a_replaced_delivery_may_arrive_again(ledger):
    for digest in ("1", "2", "1"):
        add(ledger, "monday", digest)
    assert [batch.state for batch in ledger.batches()] == ["replaced", "replaced", "taken"]


def test_a_delivery_of_which_only_the_times_changed_is_the_same_batch(ledger):
    add(ledger, "monday", "1", stamp="first")
    assert ledger.contains("monday", "first")
    assert not ledger.contains("monday", "second")
    assert ledger.add("monday", "/inbox/monday", "1", "second") is None
    assert ledger.contains("monday", "second")
    assert len(ledger.batches()) == 1


@pytest.mark.parametrize("name", ["monday", "tuesday"])
@pytest.mark.parametrize("state", ["rejected", "held", "failed"])
def test_what_was_dropped_is_taken_again_under_any_name(ledger, state, name):
    ledger.finish(add(ledger, "monday", "1").number, state, "why")
    again = ledger.add(name, f"/inbox/{name}", "1", "touched")
    assert again
    assert (again.number, again.state, again.reason) == (2, "taken", "")
    assert ledger.read(1).replaced_by == 2
    assert ledger.read(1).state == state


@pytest.mark.parametrize("state", ["pushed", "good_enough", "too_little_data", "taken"])
def test_what_is_in_training_or_waits_for_it_is_a_duplicate(ledger, state):
    ledger.update(add(ledger, "monday", "1").number, state=state)
    assert ledger.add("monday", "/inbox/monday", "1", "touched") is None
    assert add(ledger, "tuesday", "1").state == "duplicate"
    assert ledger.read(1).replaced_by is None


def test_the_batch_of_a_version_that_was_rolled_back_is_taken_again(ledger):
    ledger.finish(add(ledger, "monday", "1").number, "pushed", "why", version=2)
    assert ledger.add("monday", "", "1", "touched", is_rolled_back={3}.__contains__) is None
    again = ledger.add("monday", "", "1", "touched", is_rolled_back={2, 3}.__contains__)
    assert again
    assert (again.number, again.state) == (2, "taken")


def test_a_batch_that_waits_keeps_its_number_when_it_is_taken(ledger):
    waiting, is_new = ledger.wait("monday", "/inbox/monday", "2 files are missing")
    assert (waiting.state, waiting.finished_at, is_new) == ("waiting", None, True)
    add(ledger, "tuesday", "2")
    again, is_new = ledger.wait("monday", "/inbox/monday", "1 file is missing")
    assert (again.number, again.reason, is_new) == (1, "1 file is missing", False)
    assert not ledger.contains("monday", "stamp of 1")
    taken = add(ledger, "monday", "1")
    assert (taken.number, taken.state, taken.reason, taken.digest) == (1, "taken", "", "1")


@pytest.mark.parametrize(
    ("names", "withdrawn", "contained"),
    [({"a", "b"}, [], True), ({"b"}, ["a"], True), ({"a"}, [], False), (set(), ["a"], True)],
)
def test_removed_deliveries_are_noted(ledger, names, withdrawn, contained):
    ledger.wait("a", "/inbox/a", "files are missing")
    add(ledger, "b", "1")
    add(ledger, "elsewhere", "2")
    ledger.update(3, source="/other/elsewhere")
    assert [batch.name for batch in ledger.note_removed("/inbox", names)] == withdrawn
    assert ledger.contains("b", "stamp of 1") == contained
    assert ledger.contains("elsewhere", "stamp of 2")


def test_columns_of_several_batches_are_set_together_or_not_at_all(ledger):
    first, second = add(ledger, "a", "1").number, add(ledger, "b", "2").number
    with pytest.raises(sqlite3.OperationalError):
        ledger.update_all({first: {"state": "labels_used"}, second: {"no_column": ""}})
    assert ledger.read(first).state == "taken"
    ledger.update_all({first: {"state": "labels_used"}, second: {"reason": "why"}})
    assert (ledger.read(first).state, ledger.read(second).reason) == ("labels_used", "why")


def test_models_of_a_workspace_take_the_same_delivery_and_see_only_their_own_batches(tmp_path):
    ours, theirs = Ledger(tmp_path, "ours"), Ledger(tmp_path, "theirs")
    add(ours, "monday", "1")
    assert not theirs.contains("monday", "stamp of 1")
    assert add(theirs, "monday", "1").state == "taken"
    assert add(theirs, "monday", "2").number == 3
    assert [(one.number, one.replaced_by) for one in ours.batches()] == [(1, None)]
    assert [(one.number, one.replaced_by) for one in theirs.batches()] == [(2, 3), (3, None)]
    assert [one.model for one in read_batches(tmp_path)] == ["ours", "theirs", "theirs"]


def test_a_batch_of_a_ledger_from_before_belongs_to_every_model(tmp_path):
    run_sql(tmp_path, WITHOUT_VERSION.read_text())
    assert len(Ledger(tmp_path, "ours").batches()) == 4
    assert len(Ledger(tmp_path, "theirs").batches()) == 4


def test_reading_the_batches_of_a_workspace_without_a_ledger_creates_none(tmp_path):
    assert read_batches(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_new_ledger_has_the_schema_version(ledger, tmp_path):
    assert schema_version(tmp_path) == SCHEMA_VERSION


def test_a_ledger_without_a_version_is_upgraded_and_keeps_its_batches(tmp_path):
    run_sql(tmp_path, WITHOUT_VERSION.read_text())
    assert schema_version(tmp_path) == 0
    ledger = Ledger(tmp_path)
    assert schema_version(tmp_path) == SCHEMA_VERSION
    pushed, rejected, open_batch, duplicate = ledger.batches()
    assert (pushed.state, pushed.version, pushed.run_id) == ("pushed", 2, "20240101-000000")
    assert pushed.numbers == {"night": {"asked": 30, "accuracy": 0.4}}
    assert (rejected.state, rejected.replaced_by) == ("rejected", open_batch.number)
    assert (open_batch.state, open_batch.finished_at) == ("taken", None)
    assert duplicate.state == "duplicate"
    assert ledger.contains("monday", "stamp of monday")
    assert add(ledger, "wednesday", "3").number == 5


def test_an_older_ledger_that_cannot_be_written_is_listed_without_an_upgrade(tmp_path, monkeypatch):
    run_sql(tmp_path, WITHOUT_VERSION.read_text())
    # As if the newest column had been added after this ledger was written.
    run_sql(tmp_path, "alter table batches drop column replaced_by")
    (tmp_path / FILE).chmod(0o444)
    content = (tmp_path / FILE).read_bytes()
    # Root may write to any file, so the answer of the operating system is given here.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    batches = read_batches(tmp_path)
    assert [(batch.state, batch.replaced_by) for batch in batches] == [
        ("pushed", None),
        ("rejected", None),
        ("taken", None),
        ("duplicate", None),
    ]
    assert (tmp_path / FILE).read_bytes() == content
    assert schema_version(tmp_path) == 0


def test_an_empty_file_becomes_a_ledger(tmp_path):
    (tmp_path / FILE).touch()  # a process was killed between opening it and creating the table
    assert Ledger(tmp_path).batches() == []


def test_a_ledger_of_a_newer_version_is_refused_and_stays_as_it_is(ledger, tmp_path):
    add(ledger, "monday", "1")
    run_sql(tmp_path, "pragma user_version = 99")
    content = (tmp_path / FILE).read_bytes()
    for read in (Ledger, read_batches):
        with pytest.raises(InputError) as error:
            read(tmp_path)
        assert str(error.value) == (
            f"ledger {tmp_path / FILE} has schema version 99, and this carryover supports versions "
            f"up to {SCHEMA_VERSION}. Update carryover, or give another workspace with "
            "--workspace DIR."
        )
    assert (tmp_path / FILE).read_bytes() == content


def test_the_history_of_a_newer_ledger_is_bad_input(ledger, tmp_path, monkeypatch, capsys):
    run_sql(tmp_path, "pragma user_version = 99")
    monkeypatch.setattr("sys.argv", ["carryover", "history", "--workspace", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "schema version 99" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"x" * 200])
def test_a_damaged_ledger_is_named_with_what_to_do(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError) as error:
        read_batches(tmp_path)
    assert str(error.value) == (
        f"ledger {tmp_path / FILE}: file is not a database. It is damaged. Restore it from a "
        "backup, or move it away: then every batch in the inbox is taken as a new one."
    )


def test_a_ledger_with_damaged_pages_is_named(ledger, tmp_path):
    for number in range(200):
        add(ledger, f"batch {number}", str(number))
    content = bytearray((tmp_path / FILE).read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"malformed. It is damaged"):
        read_batches(tmp_path)


@pytest.mark.parametrize("call", [read_batches, Ledger])
def test_a_locked_ledger_is_unavailable_for_now(ledger, tmp_path, monkeypatch, call):
    add(ledger, "a", "1")
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: connect(path, timeout=0))
    other = connect(tmp_path / FILE, isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(UnavailableError) as error:
        call(tmp_path)
    other.close()
    assert str(error.value) == (
        f"ledger {tmp_path / FILE}: database is locked. Another program has opened it. Close that "
        "program, and run the command again."
    )
    assert len(read_batches(tmp_path)) == 1


def test_a_ledger_on_a_full_disk_says_so(ledger, tmp_path, monkeypatch):
    connect = sqlite3.connect

    def connect_to_full_disk(path, timeout):
        connection = connect(path, timeout=timeout)
        connection.execute("pragma max_page_count = 2")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_full_disk)
    with pytest.raises(UnavailableError, match=r"disk is full. Free some space"):
        for number in range(1000):
            add(ledger, f"batch {number}", str(number))


def test_an_error_of_our_own_sql_stays_as_it_is(ledger):
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        ledger.update(1, colour="red")

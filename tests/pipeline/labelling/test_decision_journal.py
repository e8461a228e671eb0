import os

import pytest

from pipeline.labelling.decision_journal import HEADER, DecisionJournal
from pipeline.terminal.plain_lines import json_line
from trainer_module.contract.errors import InputError, UnavailableError


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "labels.jsonl"


def reopened(path):
    journal = DecisionJournal(path)
    journal.close()
    return journal.entries


def test_entries_are_there_when_the_journal_is_opened_again(path):
    journal = DecisionJournal(path)
    assert journal.entries == []
    entries = [{"path": os.fsdecode(b"\xff.png"), "label": "cat"}, {"undo": True}]
    for entry in entries:
        journal.append(entry)
    journal.close()
    assert reopened(path) == entries


@pytest.mark.parametrize("end", [b'{"undo": tr', b"\0\0\0"])
def test_a_line_that_a_killed_process_left_unfinished_is_removed(path, end):
    journal = DecisionJournal(path)
    journal.append({"undo": True})
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + end)
    assert reopened(path) == [{"undo": True}]
    assert path.read_bytes() == whole


def test_a_last_line_without_its_line_end_is_kept(path):
    path.write_text(f'{json_line(HEADER)}\n{{"undo": true}}')
    assert reopened(path) == [{"undo": True}]
    assert path.read_text() == f'{json_line(HEADER)}\n{{"undo": true}}\n'


@pytest.mark.parametrize("content", [b"", b"\0\0", b'{"jour', json_line(HEADER).encode()])
def test_a_process_that_was_killed_at_its_start_leaves_an_empty_journal(path, content):
    path.write_bytes(content)
    assert reopened(path) == []
    assert path.read_text() == f"{json_line(HEADER)}\n"


@pytest.mark.parametrize("content", [b"my notes", b'{"a": 1}\nmy notes', b"\nmy notes", b"[]\n"])
def test_a_file_that_is_no_journal_is_left_as_it_is(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no journal of labels"):
        DecisionJournal(path)
    assert path.read_bytes() == content


def test_a_pipe_is_not_waited_for(path):
    os.mkfifo(path)
    with pytest.raises(InputError, match="is no journal of labels"):
        DecisionJournal(path)


def test_a_name_that_is_too_long_is_not_blamed_on_the_disk(tmp_path):
    with pytest.raises(UnavailableError, match=r"too long\. Give a folder with a shorter name"):
        DecisionJournal(tmp_path / f".{'n' * 250}.labels.jsonl")


def test_a_damaged_line_in_the_middle_is_named(path):
    path.write_text(f"{json_line(HEADER)}\nnonsense\n")
    with pytest.raises(UnavailableError, match=r"damaged: line 2 is no JSON object\. Restore"):
        DecisionJournal(path)


def test_a_second_process_gets_one_clear_line(path):
    journal = DecisionJournal(path)
    with pytest.raises(InputError, match=r"another `carryover label` is writing .*--output DIR"):
        DecisionJournal(path)
    journal.close()
    assert reopened(path) == []


@pytest.mark.parametrize(
    ("header", "message"),
    [({"other": 1}, "is no journal of labels"), (HEADER | {"version": 2}, "newer carryover")],
)
def test_a_file_of_another_program_or_version_is_left_alone(path, header, message):
    path.write_text(f"{json_line(header)}\n")
    with pytest.raises(InputError, match=message):
        DecisionJournal(path)
    assert path.read_text() == f"{json_line(header)}\n"


def test_a_full_disk_leaves_no_half_of_an_entry(path, monkeypatch):
    journal = DecisionJournal(path)
    before = path.read_bytes()
    write = os.write

    def fail(handle, content):
        if len(content) < 10:
            raise OSError(28, "No space left on device")
        return write(handle, content[:-5])

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(UnavailableError, match="No space left on device"):
        journal.append({"decision": "skipped"})
    journal.close()
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnavailableError, match=r"cannot be written: .*--output DIR"):
        DecisionJournal(tmp_path / "file" / "labels.jsonl")

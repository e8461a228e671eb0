import errno
import os
import threading

import pytest
from watchdog.events import FileModifiedEvent, FileMovedEvent, FileOpenedEvent
from watchdog.observers import Observer

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining import inbox_watcher
from pipeline.retraining.inbox_watcher import ChangeHandler, watch_inbox
from trainer_module.contract.errors import InputError


@pytest.fixture(name="passes")
def _passes(monkeypatch):
    """Passes that are counted; the watcher is stopped by the third."""
    counted = []

    def count(arguments: list[str], stopped: threading.Event) -> int:
        counted.append(arguments)
        if len(counted) == 3:
            stopped.set()
        return 0

    monkeypatch.setattr(inbox_watcher, "run_pass", count)
    return counted


def options(inbox) -> RetrainOptions:
    return RetrainOptions(inbox=inbox, poll_seconds=0.1)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("missing", r"does not exist\. Create it \(mkdir -p \S+\), mount its disk, or"),
        ("file", r"is a file, no folder\. Give"),
    ],
)
def test_an_inbox_that_is_no_folder_is_an_input_error(tmp_path, passes, kind, problem):
    inbox = tmp_path / "inbox"
    if kind == "file":
        inbox.touch()
    with pytest.raises(InputError, match=rf"{inbox} {problem} .*--inbox DIR"):
        watch_inbox(["retrain"], options(inbox))
    assert passes == []


def test_passes_run_until_the_watcher_is_stopped_and_only_the_first_tells_that_nothing_is_to_do(
    tmp_path, passes, capsys
):
    watch_inbox(["retrain"], options(tmp_path))
    assert passes == [["retrain"], *[["retrain", "--quiet"]] * 2]
    told = capsys.readouterr().out
    assert told == (
        f"watching {tmp_path}: a pass runs when something arrives, and every 0.1 seconds\n"
    )


def test_with_events_on_stdout_the_watcher_tells_on_stderr_what_it_watches(
    tmp_path, passes, capsys
):
    watch_inbox(["retrain", "--json"], options(tmp_path))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"watching {tmp_path}: ")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE])
def test_without_file_events_passes_run_all_the_same(tmp_path, passes, monkeypatch, capsys, code):
    def fail(self) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Observer, "start", fail)
    watch_inbox(["retrain"], options(tmp_path))
    assert len(passes) == 3
    assert capsys.readouterr().err == (
        f"carryover: file events of {tmp_path} are unavailable ({os.strerror(code)}). A pass runs "
        "every 0.1 seconds.\n"
    )


@pytest.mark.parametrize("code", [1, 2, -9])
def test_after_failed_passes_the_watcher_waits_longer_and_longer(
    tmp_path, monkeypatch, capsys, code
):
    pauses, codes = [], iter([code, code, code, 0, code, 3])

    class Stopped(threading.Event):
        def wait(self, timeout=None):
            pauses.append(timeout)
            return False

    def run_pass(arguments, stopped):
        found = next(codes, None)
        if found is None:
            stopped.set()
            return 0
        inbox_watcher_events[0].set()  # something arrives all the time
        return found

    class Changed(threading.Event):
        def wait(self, timeout=None):
            pauses.append("events")
            return super().wait(0)

    events = iter([Changed, Stopped])
    inbox_watcher_events = []

    def make_event():
        inbox_watcher_events.append(next(events)())
        return inbox_watcher_events[-1]

    monkeypatch.setattr(inbox_watcher.threading, "Event", make_event)
    monkeypatch.setattr(inbox_watcher, "_start_observer", lambda *_: None)
    monkeypatch.setattr(inbox_watcher, "run_pass", run_pass)
    watch_inbox(["retrain"], RetrainOptions(inbox=tmp_path, poll_seconds=20))
    assert pauses == [20, 40, 80, "events", 1.0, 20, "events", 1.0, "events", 1.0]
    assert capsys.readouterr().err.splitlines() == [
        f"carryover: the pass failed; the next one runs in {pause} seconds."
        for pause in (20, 40, 80, 20)
    ]


@pytest.mark.parametrize(
    ("failures", "poll_seconds", "pause"),
    [(1, 30, 30), (2, 30, 60), (6, 30, 600), (10_000, 30, 600), (3, 900, 900), (1, 0.1, 0.1)],
)
def test_the_pause_has_limits(failures, poll_seconds, pause):
    assert inbox_watcher._pause_seconds(failures, poll_seconds) == pause


@pytest.mark.parametrize("error", [RecursionError(), OSError(errno.ENAMETOOLONG, "too long")])
def test_folders_that_are_too_deep_for_file_events_are_polled(
    tmp_path, passes, monkeypatch, capsys, error
):
    def fail(self) -> None:
        raise error

    monkeypatch.setattr(Observer, "start", fail)
    watch_inbox(["retrain"], options(tmp_path))
    assert len(passes) == 3
    assert "file events of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("event", "is_change"),
    [
        (FileModifiedEvent("inbox/batch/fog/1.png"), True),
        (FileMovedEvent("inbox/.batch.part", "inbox/batch"), True),
        (FileModifiedEvent("inbox/.batch.labels.jsonl"), False),
        (FileModifiedEvent("inbox/.batch.part/fog/1.png"), False),
        (FileOpenedEvent("inbox/batch/fog/1.png"), False),
    ],
)
def test_hidden_files_of_a_batch_that_is_being_labelled_start_no_pass(tmp_path, event, is_change):
    for name in ("src_path", "dest_path"):
        if path := getattr(event, name):
            object.__setattr__(event, name, str(tmp_path / path))
    changed = threading.Event()
    ChangeHandler(tmp_path / "inbox", changed).on_any_event(event)
    assert changed.is_set() == is_change

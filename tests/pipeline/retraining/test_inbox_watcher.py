import errno
import os
import threading

import pytest
from watchdog.observers import Observer

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining import inbox_watcher
from pipeline.retraining.inbox_watcher import watch_inbox
from trainer_module.contract.errors import InputError


@pytest.fixture(name="passes")
def _passes(monkeypatch):
    """Passes that are counted; the watcher is stopped by the third."""
    counted = []

    def count(arguments: list[str], stopped: threading.Event) -> None:
        counted.append(arguments)
        if len(counted) == 3:
            stopped.set()

    monkeypatch.setattr(inbox_watcher, "_run_pass", count)
    return counted


def options(inbox) -> RetrainOptions:
    return RetrainOptions(inbox=inbox, poll_seconds=0.1)


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_an_inbox_that_is_no_folder_is_an_input_error(tmp_path, passes, kind):
    inbox = tmp_path / "inbox"
    if kind == "file":
        inbox.touch()
    with pytest.raises(InputError, match=r"is not a folder\..*--inbox DIR"):
        watch_inbox(["retrain"], options(inbox))
    assert passes == []


def test_passes_run_until_the_watcher_is_stopped(tmp_path, passes):
    watch_inbox(["retrain"], options(tmp_path))
    assert passes == [["retrain"]] * 3


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

"""The log of one call of the command; tests/pipeline/test_cli.py looks at it as a user does."""

import logging

import pytest

from pipeline.logs import OUR_LOGGER
from pipeline.logs.command_log import CommandLog


@pytest.fixture(name="log")
def _log(tmp_path, monkeypatch) -> CommandLog:
    """A log of `carryover doctor -v`, of a user whose state is in a folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    log = CommandLog()
    log.start("doctor", ["doctor", "-v"])
    return log


def test_the_lines_are_kept_until_the_workspace_exists(log, tmp_path):
    workspace = tmp_path / "workspace"
    log.use_workspace(workspace)
    log.write("before")
    assert log.path is None
    assert not workspace.exists()
    workspace.mkdir()
    log.write("after")
    assert log.path == workspace / "logs" / "doctor.log"
    lines = log.path.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["carryover doctor -v", "before", "after"]


def test_messages_of_our_loggers_are_in_the_log_until_it_is_finished(log, tmp_path):
    ours = logging.getLogger(f"{OUR_LOGGER}.serving")
    ours.warning("version %d is missing", 3)
    logging.getLogger("tensorflow").warning("noise")
    log.finish(0)
    ours.warning("too late")
    text = (tmp_path / "state" / "carryover" / "logs" / "doctor.log").read_text()
    assert f"WARNING {OUR_LOGGER}.serving: version 3 is missing" in text
    assert "noise" not in text
    assert "too late" not in text


def test_a_workspace_that_is_not_writable_is_replaced_by_the_folder_of_the_user(log, tmp_path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "logs").write_text("a file, so that there can be no folder")
    log.use_workspace(workspace)
    log.finish(0)
    assert log.path == tmp_path / "state" / "carryover" / "logs" / "doctor.log"
    assert log.path.read_text().splitlines()[-1].endswith("exit code 0")


def test_calls_are_appended(log, tmp_path):
    log.finish(0)
    again = CommandLog()
    again.start("doctor", ["doctor"])
    again.finish(1)
    lines = again.path.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        *("carryover doctor -v", "exit code 0"),
        *("carryover doctor", "exit code 1"),
    ]


def test_without_a_command_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    log = CommandLog()
    log.finish(2)
    assert log.path is None
    assert list(tmp_path.iterdir()) == []

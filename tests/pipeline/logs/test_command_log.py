"""The log of one call of the command; tests/pipeline/test_cli.py looks at it as a user does."""

import logging
import os
import tempfile
from pathlib import Path

import pytest
from tiny_pictures import write_files

from pipeline.logs import OUR_LOGGER
from pipeline.logs.command_log import WORKSPACE_MARKS, CommandLog


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
    write_files(workspace, {"runs/1/config.yaml": b""})
    log.write("after")
    assert log.path == workspace / "logs" / "doctor.log"
    lines = log.path.read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["carryover doctor -v", "before", "after"]


@pytest.mark.parametrize("files", [{}, {"day/cat/1.png": b"picture"}, {"logs/other.log": b""}])
def test_nothing_is_written_into_a_folder_that_is_no_workspace(log, tmp_path, files):
    folder = write_files(tmp_path / "pictures", {"readme.txt": b"", **files})
    before = sorted(folder.rglob("*"))
    log.use_workspace(folder)
    log.write("refused")
    log.finish(2)
    assert log.path == tmp_path / "state" / "carryover" / "logs" / "doctor.log"
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("mark", WORKSPACE_MARKS)
def test_a_folder_that_holds_what_commands_leave_in_a_workspace_is_one(log, tmp_path, mark):
    log.use_workspace(write_files(tmp_path / "workspace", {mark: b""}))
    assert log.path == tmp_path / "workspace" / "logs" / "doctor.log"


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
    write_files(workspace, {".lock": b"", "logs": b"a file, so that there can be no folder"})
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


def test_a_command_line_without_a_command_is_logged_only_to_a_named_file(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for named in (None, tmp_path / "my.log"):
        log = CommandLog()
        if named:
            log.use_file(named)
        log.refuse(["run", "--dta", "a b"], "No such option: --dta")
        log.finish(2)
        assert log.path == named
    lines = (tmp_path / "my.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        *("carryover run --dta 'a b'", "No such option: --dta", "exit code 2"),
    ]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("state", ["state", "./state", "../state", ""])
def test_a_relative_xdg_state_home_is_ignored(tmp_path, monkeypatch, state):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    log = CommandLog("doctor")
    log.finish(0)
    assert log.path == tmp_path / "home/.local/state/carryover/logs/doctor.log"


@pytest.fixture(name="temporary")
def _temporary(tmp_path, monkeypatch) -> Path:
    """The folder for temporary files, of a user whose state cannot be written."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return temporary


def write_log() -> Path:
    log = CommandLog("doctor")
    log.finish(0)
    assert log.path
    return log.path


def test_the_last_resort_is_a_private_folder_among_the_temporary_files(temporary):
    folder = temporary / f"carryover-{os.getuid()}"
    assert [write_log(), write_log()] == [folder / "doctor.log"] * 2
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len((folder / "doctor.log").read_text().splitlines()) == 2


def test_a_link_or_a_folder_of_others_among_the_temporary_files_is_not_used(temporary, tmp_path):
    known = temporary / f"carryover-{os.getuid()}"
    victim = tmp_path / "victim"
    victim.mkdir()
    known.symlink_to(victim)
    first = write_log()
    known.unlink()
    known.mkdir()
    known.chmod(0o777)
    second = write_log()
    known.rmdir()
    known.write_text("a file")
    third = write_log()
    assert list(victim.iterdir()) == []
    assert all(path.parent not in (known, victim) for path in (first, second, third))
    assert all(path.parent.stat().st_mode & 0o777 == 0o700 for path in (first, second, third))


def test_a_folder_of_another_user_is_not_used(temporary, monkeypatch):
    owner = os.getuid()
    (temporary / f"carryover-{owner + 1}").mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert write_log().parent != temporary / f"carryover-{owner + 1}"


def test_a_traceback_is_printed_only_with_debug(log, capsys):
    log.write_error(ValueError("hidden"))
    assert capsys.readouterr().err == ""
    log.debug = True
    log.write_error(ValueError("shown"))
    assert capsys.readouterr().err == "ValueError: shown\n"


def test_no_text_in_a_log_passes_for_an_entry_or_shows_a_credential(log):
    log.write("name\n2026-01-01T00:00:00+00:00 exit code 0\x1b[31m token=hunter2")
    log.write_error(ValueError("one\n2026-01-01T00:00:00+00:00 carryover rollback"))
    log.finish(1)
    assert log.path
    lines = log.path.read_text().splitlines()
    starts = [line.split(" ", 1)[1] for line in lines if not line.startswith("  ")]
    assert starts == ["carryover doctor -v", "name", "ValueError: one", "exit code 1"]
    assert r"  2026-01-01T00:00:00+00:00 exit code 0\x1b[31m token=(masked)" in lines


def test_the_command_line_in_a_log_has_no_credentials(tmp_path):
    log = CommandLog(workspace=write_files(tmp_path, {".lock": b""}))
    log.start("run", ["run", "--set", "kubeflow.env.A=hunter2", "--set", "seed=2"])
    log.finish(0)
    assert log.path
    first = log.path.read_text().splitlines()[0]
    assert first.endswith("carryover run --set 'kubeflow.env.A=(masked)' --set seed=2")

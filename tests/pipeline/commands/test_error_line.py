"""The line about an error that a user sees."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from pipeline.commands.error_line import error_line
from pipeline.running.run_failure import RunFailedError
from trainer_module.contract.errors import InputError

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        sqlite3.OperationalError("database or disk is full"),
        RunFailedError(f"ImageExampleGen failed: {FULL}", Path("run.log")),
    ],
    ids=["disk", "quota", "SQLite", "component"],
)
def test_a_full_disk_is_looked_for_in_every_folder_that_is_written_to(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = error_line(error, tmp_path / "not" / "yet")
    assert f" MiB in {tmp_path / 'not' / 'yet'}, " in line
    assert f" MiB in {tmp_path}. Free some" in line
    assert "Free space: " in line
    assert line.endswith("or another folder for temporary files with TMPDIR.")


def test_a_full_disk_is_told_without_a_workspace_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"Free space: {tmp_path}" not in error_line(FULL, None)
    assert f" MiB in {tmp_path}. Free some, or give another folder for " in error_line(FULL, None)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("two\n lines"), "two lines"),
        (KeyError(), "KeyError"),
        (
            PermissionError(13, "Permission denied", "/a"),
            "[Errno 13] Permission denied: '/a'. Make it readable and writable for this user.",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/a"),
            "[Errno 30] Read-only file system: '/a'. Mount it writable, or give another workspace "
            "with --workspace DIR.",
        ),
        (
            RunFailedError("Trainer failed: [Errno 27] File too large.", Path("x")),
            "Trainer failed: [Errno 27] File too large. A limit on the size of files stops it: "
            "raise it with ulimit -f.",
        ),
        (
            FileNotFoundError(2, "No usable temporary directory found in ['/a', '/tmp']"),
            "[Errno 2] No usable temporary directory found in ['/a', '/tmp']. Name a folder for "
            "temporary files that can be written in TMPDIR.",
        ),
        (
            InputError("ledger x: database or disk is full. Free some space on that disk."),
            "ledger x: database or disk is full. Free some space on that disk.",
        ),
        (
            RunFailedError("Trainer failed: out of memory", Path("x")),
            "Trainer failed: out of memory",
        ),
    ],
)
def test_every_other_error_is_its_message_in_one_line(error, line):
    assert error_line(error, None) == line


def test_a_working_directory_that_was_removed_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    assert error_line(missing, None) == str(missing)
    monkeypatch.setattr(Path, "cwd", lambda: (_ for _ in ()).throw(missing))
    assert error_line(missing, None) == (
        "the working directory was removed. Change to another folder."
    )


def test_a_full_disk_of_the_output_is_told_from_one_of_the_workspace(run_python, tmp_path):
    code = (
        "from pipeline.commands.error_line import error_line\n"
        "from pipeline.terminal.printable_stream import PrintableStream\n"
        "try:\n"
        "    full = open('/dev/full', 'w')\n"
        "    print('text', file=PrintableStream(full, masks=False), flush=True)\n"
        "except OSError as error:\n"
        "    print(error_line(error, None))\n"
    )
    assert run_python("-c", code).stdout == (
        "what is printed cannot be written: No space left on device. Redirect it to another file.\n"
    )

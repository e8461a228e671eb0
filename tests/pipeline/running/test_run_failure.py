"""What the user is told about a failure, and which failures are the machine's."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from pipeline.running.run_failure import failure_reason, find_machine_fault, run_error
from trainer_module.contract.errors import InputError, UnavailableError


def raised_from(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/disk/file")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (FULL, "No space left on device"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "Disk quota exceeded"),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "File too large"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), "Permission denied"),
        (sqlite3.OperationalError("database or disk is full"), "database or disk is full"),
        (RuntimeError("CREATE x; No space left on device; more"), "No space left on device"),
        (raised_from(RuntimeError("the step failed"), FULL), "No space left on device"),
        (raised_from(KeyError("x"), raised_from(ValueError(), FULL)), "No space left on device"),
        (ValueError("labels have the wrong shape"), None),
        (MemoryError(), None),
        (None, None),
    ],
)
def test_the_machine_is_to_blame_for_what_the_operating_system_says(error, fault):
    assert find_machine_fault(error) == fault


def test_a_fault_that_only_a_cause_names_is_part_of_the_reason():
    error = raised_from(RuntimeError("Execution 3 failed."), FULL)
    assert failure_reason("Trainer", error) == (
        "Trainer failed: No space left on device: Execution 3 failed."
    )
    assert failure_reason("Trainer", FULL) == (
        "Trainer failed: [Errno 28] No space left on device: '/disk/file'"
    )
    assert failure_reason("Trainer", ValueError("odd\nshape")) == "Trainer failed: shape"


def test_the_message_to_the_user_among_the_causes_is_the_error():
    damaged = UnavailableError("file x is damaged. Restore it.")
    error = raised_from(RuntimeError("Execution 3 failed."), damaged)
    assert failure_reason("Trainer", error) == "file x is damaged. Restore it."
    assert run_error("Trainer", error, Path("log")) is damaged
    assert not isinstance(run_error("Trainer", FULL, Path("log")), InputError)

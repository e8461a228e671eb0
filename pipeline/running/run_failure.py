"""What to tell the user when a component fails. Importable without TensorFlow."""

import errno
import os
from pathlib import Path

from pipeline.logs.command_log import CommandLog
from trainer_module.contract.errors import InputError, safe_message

#: Libraries print whole tables into their messages; the log has all of it.
MAX_REASON = 300

#: What the operating system and SQLite say when a disk has no space.
DISK_FULL = tuple(
    {os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "database or disk is full"}
)

#: What Python says when no folder for temporary files can be written, or all are full.
NO_TEMPORARY_FOLDER = "No usable temporary directory found"

#: What the operating system or Python says about other faults of the machine -> what to do.
#: Libraries quote it, some without the error number.
OTHER_FAULTS = {
    os.strerror(errno.EFBIG): "A limit on the size of files stops it: raise it with ulimit -f.",
    os.strerror(errno.EROFS): "Mount it writable, or give another workspace with --workspace DIR.",
    os.strerror(errno.EACCES): "Make it readable and writable for this user.",
    os.strerror(errno.EMFILE): "Allow more open files with ulimit -n.",
    os.strerror(errno.EIO): "Check that disk, and run the command again.",
    os.strerror(errno.ESTALE): "Mount the network folder again, and run the command again.",
    NO_TEMPORARY_FOLDER: "Name a folder for temporary files that can be written in TMPDIR.",
}


class RunFailedError(Exception):
    """A component of a run failed, and the input is not to blame.

    Attributes:
        reason: Component and error message, in one line.
        log: Path of the log, which holds the traceback.
    """

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__(f"{reason} (traceback: {log})")
        self.reason = reason
        self.log = log


def failure_reason(step: str, error: BaseException) -> str:
    """Return one line about an error: the message to the user, or the component and the message.

    Args:
        step: Component that failed.
        error: Error that it ended with.
    """
    cause = first_input_error(error)
    if cause:
        return str(cause)
    fault, line = find_machine_fault(error), last_line(error)
    return f"{step} failed: {line if not fault or fault in line else f'{fault}: {line}'}"


def run_error(step: str, error: BaseException, log: Path) -> InputError | RunFailedError:
    """Return the error to raise for the error of a component.

    Args:
        step: Component that failed.
        error: Error that it ended with.
        log: Path of the log, which holds the traceback.

    Returns:
        The `InputError` among the causes if there is one, otherwise a `RunFailedError`.
    """
    return first_input_error(error) or RunFailedError(failure_reason(step, error), log)


def logged_reason(error: Exception, log: CommandLog) -> str:
    """Write the traceback of an error to the log of the command.

    Args:
        error: Error that the command survives.
        log: Log of the command.

    Returns:
        One line about the error, which names the log with the traceback.
    """
    log.write_error(error)
    if isinstance(error, RunFailedError):  # it names the log of its run
        return str(error)
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return f"{kind}{last_line(error)} (traceback: {log.path})"


def first_input_error(error: BaseException | None) -> InputError | None:
    """Return the first `InputError` in a chain of causes; None if there is none."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__ or error.__context__
    return None


def find_machine_fault(error: BaseException | None) -> str | None:
    """Return what the operating system says if the machine is to blame for an error.

    That is a disk that is full, read-only or failing, a limit, or a missing permission: neither the
    input nor the code have to change.

    Args:
        error: Error with its causes.

    Returns:
        Text of the operating system; None if the machine is not to blame.
    """
    while error is not None:
        text = str(error)
        for fault in (*DISK_FULL, *OTHER_FAULTS):
            if fault in text:
                return fault
        error = error.__cause__ or error.__context__
    return None


def last_line(error: BaseException) -> str:
    """Return the last line of a message, where libraries say what is wrong, as it may be shown."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return safe_message(lines[-1])[:MAX_REASON]

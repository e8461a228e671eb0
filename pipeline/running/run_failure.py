"""What to tell the user when a component fails. Importable without TensorFlow."""

from pathlib import Path

from pipeline.logs.command_log import CommandLog
from trainer_module.contract.errors import InputError

#: Libraries print whole tables into their messages; the log has all of it.
MAX_REASON = 300


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
    return str(cause) if cause else f"{step} failed: {last_line(error)}"


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


def last_line(error: BaseException) -> str:
    """Return the last line of a message, where libraries say what went wrong."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:MAX_REASON]

"""A cleaning in a process of its own, which kills itself with SIGKILL at one of its steps."""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from pipeline.retention.cleaning import clean_workspace
from pipeline.retention.kept_state import PendingBatches
from pipeline.workspace import Workspace

#: What a cleaning does to files, by the names of Python's audit events.
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.truncate")


class _Connection(sqlite3.Connection):
    """A connection whose statements are steps, too."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        """See `sqlite3.Connection`."""
        sys.audit("statement")
        return super().execute(*arguments)


def clean_and_die(workspace: Workspace, keep: int, step: int) -> bool:
    """Clean a workspace, and kill the process before a step: a change of a file, or a statement.

    Args:
        workspace: Workspace to clean.
        keep: Number of versions and runs to keep.
        step: Number of the step, from 1.

    Returns:
        Whether the process was killed; False if it had ended before.
    """
    return run_and_die(lambda: clean_workspace(workspace, keep, PendingBatches), step)


def run_and_die(function: Callable[[], Any], step: int) -> bool:
    """Call a function in a process of its own, and kill that before a step.

    Args:
        function: Function that changes files and databases.
        step: Number of the step, from 1, see `clean_and_die`.

    Returns:
        Whether the process was killed; False if it had ended before.
    """
    process = os.fork()
    if process == 0:
        code = 1
        try:
            _die_before(step)
            function()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _die_before(step: int) -> None:
    left = step

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in (*CHANGES, "statement"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    connect = sqlite3.connect
    sqlite3.connect = lambda *given, **named: connect(*given, factory=_Connection, **named)
    sys.addaudithook(count)

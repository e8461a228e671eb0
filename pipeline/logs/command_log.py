"""The log of one call of the `carryover` command."""

import contextlib
import datetime
import logging
import os
import shlex
import tempfile
import traceback
from pathlib import Path

from pipeline.logs import OUR_LOGGER

#: Folder of the logs in a workspace, and in the user's folder for state.
FOLDER = "logs"


class CommandLog:
    """Log of one call of the `carryover` command: arguments, our messages, traceback, exit code.

    The lines are kept in memory until the workspace exists, because a refused command must not
    create it. A command without a workspace writes to the user's folder for state
    (`$XDG_STATE_HOME/carryover/logs`, by default in `~/.local/state`), and to the folder for
    temporary files if the user has no such folder. An error while writing the log is ignored, so
    that it never hides the error of the command.

    Attributes:
        debug: Whether tracebacks are for the terminal, too.
        path: Path of the log; None as long as nothing is written.
    """

    def __init__(self) -> None:
        self.debug = False
        self.path: Path | None = None
        self._command = ""
        self._file: Path | None = None
        self._workspace: Path | None = None
        self._pending: list[str] = []
        self._handler: logging.Handler | None = None

    def start(self, command: str, arguments: list[str]) -> None:
        """Begin the log of a command, and add the messages of our loggers to it.

        Args:
            command: Name of the command, which names the log.
            arguments: Command line, without the program.
        """
        self._command = command
        self.write(f"carryover {shlex.join(arguments)}")
        self._handler = _LogHandler(self)
        logging.getLogger(OUR_LOGGER).addHandler(self._handler)

    def use_file(self, file: Path) -> None:
        """Write to a file that the user has named.

        Raises:
            OSError: The file is not writable.
        """
        with file.open("a"):
            self._file = file

    def use_workspace(self, workspace: Path) -> None:
        """Write into the folder `logs` of a workspace, as soon as the workspace exists."""
        with contextlib.suppress(OSError):  # the working directory may have been removed
            self._workspace = workspace.absolute()
            self._flush_to_workspace()

    def write(self, text: str) -> None:
        """Add a message, with the time."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        self._pending.append(f"{now} {text}\n")
        self._flush_to_workspace()

    def write_error(self, error: BaseException) -> None:
        """Add the traceback of an error, with those of its causes."""
        self.write("".join(traceback.format_exception(error)).rstrip())

    def finish(self, code: int) -> None:
        """Add the exit code, and write all lines. Without `start`, write nothing.

        Args:
            code: Exit code of the command.
        """
        if not self._command:
            return
        if self._handler:
            logging.getLogger(OUR_LOGGER).removeHandler(self._handler)
        self.write(f"exit code {code}")
        with contextlib.suppress(OSError):
            for path in self._candidates():
                if self._append_to(path):
                    return

    def _flush_to_workspace(self) -> None:
        """Write the lines, if the command's file or workspace is known and exists."""
        with contextlib.suppress(OSError):
            if self._command and (self._file or (self._workspace and self._workspace.is_dir())):
                self._append_to(self._candidates()[0])

    def _candidates(self) -> list[Path]:
        """Return the paths to try, the best first."""
        name = f"{self._command}.log"
        if self._file:
            return [self._file]
        paths = [_state_folder() / name, Path(tempfile.gettempdir(), f"carryover-{name}")]
        if self._workspace and self._workspace.is_dir():
            paths.insert(0, self._workspace / FOLDER / name)
        return paths

    def _append_to(self, path: Path) -> bool:
        """Append the lines that are not written yet; return whether that succeeded."""
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(self._pending)
            self._pending.clear()
            self.path = path
            return True
        return False


class _LogHandler(logging.Handler):
    """Adds the messages of a logger to a command's log."""

    def __init__(self, log: CommandLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.write(f"{record.levelname} {record.name}: {self.format(record)}")


def _state_folder() -> Path:
    """Return the folder for logs of this user, see the XDG Base Directory Specification."""
    # Unlike Path.home(), this does not fail for a user without a home.
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111
    return Path(state, "carryover", FOLDER)

"""The log of one call of the `carryover` command."""

import contextlib
import datetime
import logging
import os
import shlex
import stat
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import typer

from pipeline.logs import OUR_LOGGER
from pipeline.terminal.standard_streams import indented
from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.credentials import masked_arguments, masked_text
from trainer_module.contract.user_folder import user_folder

#: Folder of the logs in a workspace, and in the user's folder for state.
FOLDER = "logs"

#: Files and folders of which every workspace has one. Another folder that a user gives by mistake
#: gets no log.
WORKSPACE_MARKS = (".lock", "serving", "runs", "metadata.sqlite", "ledger.sqlite")


#: Commands whose arguments, and messages about bad input, stay out of logs: they name people.
PRIVATE = frozenset({"forget"})


class CommandLog:
    """Log of one call of the `carryover` command: arguments, our messages, traceback, exit code.

    The lines are kept in memory until the workspace exists, because a refused command must not
    create it, nor write into a folder that is none. A command without a workspace writes to the
    user's folder for state (`$XDG_STATE_HOME/carryover/logs`, by default in `~/.local/state`), and
    to a private folder among the temporary files if the user has no such folder. An error while
    writing the log is ignored, so that it never hides the error of the command. Credentials are
    masked. An entry begins with its time; its further lines are indented, so that no name can pass
    for an entry.

    Attributes:
        debug: Whether tracebacks are for the terminal, too.
        file: File that the user has named for the log; None if they have named none.
        path: Path of the log; None as long as nothing is written.
        workspace: Workspace of the command; None as long as it is unknown.
    """

    def __init__(self, command: str = "", workspace: Path | None = None) -> None:
        """Write nothing yet.

        Args:
            command: Name of the command, where `start` is not called.
            workspace: Workspace to write to, where `use_workspace` is not called.
        """
        self.debug = False
        self._is_private = False
        self.file: Path | None = None
        self.path: Path | None = None
        self._command = command
        self.workspace: Path | None = workspace
        self._pending: list[str] = []
        self._handler: logging.Handler | None = None

    def start(self, command: str, arguments: list[str]) -> None:
        """Begin the log of a command, and add the messages of our loggers to it.

        Args:
            command: Name of the command, which names the log.
            arguments: Command line, without the program.
        """
        self._command = command
        self._is_private = not PRIVATE.isdisjoint([command, *arguments])
        given = shlex.join(masked_arguments(arguments))
        self.write(f"carryover {'(arguments left out)' if self._is_private else given}")
        self._handler = LogHandler(self)
        logging.getLogger(OUR_LOGGER).addHandler(self._handler)

    def use_file(self, file: Path) -> None:
        """Write to a file that the user has named.

        Raises:
            OSError: The file is not writable.
        """
        with file.open("a"):
            self.file = file

    def use_workspace(self, workspace: Path) -> None:
        """Write into the folder `logs` of a workspace, as soon as the folder is one."""
        with contextlib.suppress(OSError):  # the working directory may have been removed
            self.workspace = workspace.absolute()
            self._flush_to_workspace()

    def write(self, text: str) -> None:
        """Add a message, with the time."""
        self.keep(text)
        self._flush_to_workspace()

    def keep(self, text: str) -> None:
        """Add a message that is written with the next one, and creates no file by itself."""
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        self._pending.append(f"{now} {masked_text(indented(text))}\n")

    def write_error(self, error: BaseException) -> None:
        """Add the traceback of an error, with those of its causes. With `debug`, print it, too."""
        if self._is_private and isinstance(error, InputError):
            self.write(f"{type(error).__name__} (message left out)")
        else:
            self.write("".join(traceback.format_exception(error)).rstrip())
        if self.debug:
            traceback.print_exception(error)

    def refuse(self, arguments: list[str], reason: str) -> None:
        """Add a command line that names no command to run, if the user has named a file.

        Args:
            arguments: Command line, without the program.
            reason: What is wrong with it.
        """
        if self.file and not self._command:
            self.start("carryover", arguments)
            self.write("bad usage (message left out)" if self._is_private else reason)

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
            if self._command and (self.file or self._has_workspace()):
                self._append_to(next(self._candidates()))

    def _has_workspace(self) -> bool:
        """Return whether the workspace is known, and exists."""
        # Unlike Path.exists, this does not raise where a folder may not be entered.
        return self.workspace is not None and any(
            os.path.exists(self.workspace / mark)  # noqa: PTH110
            for mark in WORKSPACE_MARKS
        )

    def _candidates(self) -> Iterator[Path]:
        """Yield the paths to try, the best first."""
        if self.file:
            yield self.file
            return
        name = f"{self._command}.log"
        if self.workspace and self._has_workspace():
            yield self.workspace / FOLDER / name
        yield user_folder("XDG_STATE_HOME", "~/.local/state") / FOLDER / name
        yield _temporary_folder() / name

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


def command_log(context: typer.Context) -> CommandLog:
    """Return the log of this call of the command.

    A test may run the app without `pipeline.cli.main`; then the log is a new one.
    """
    return context.obj if isinstance(context.obj, CommandLog) else CommandLog()


class LogHandler(logging.Handler):
    """Adds the messages of a logger to a command's log."""

    def __init__(self, log: CommandLog, level: int = logging.NOTSET) -> None:
        """Name the log.

        Args:
            log: Log of the command.
            level: Lowest level of the messages.
        """
        super().__init__(level)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        self._log.write(f"{record.levelname} {record.name}: {self.format(record)}")


def _temporary_folder() -> Path:
    """Return a folder among the temporary files that no other user has made or can write to.

    Everyone may create files there: a link under a name that is known beforehand would lead our
    log to any file of this user.
    """
    folder = Path(tempfile.gettempdir(), f"carryover-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    is_private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if is_private and status.st_uid == os.getuid():
        return folder
    return Path(tempfile.mkdtemp(prefix="carryover-"))

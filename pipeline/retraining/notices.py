"""Notices of events: a line of JSON on a stream, and a command that gets the event."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, TextIO

from pipeline.running.run_failure import last_line
from pipeline.terminal.plain_lines import json_line, print_line

#: Events on which the command is run.
COMMAND_EVENTS = (
    *("pushed", "rejected", "awaiting_labels", "failed", "held", "waiting"),
    *("left_alone", "pass_failed", "unusual_traffic", "shadow_ended"),
)

#: Seconds after which the command is killed.
COMMAND_TIMEOUT = 60


class Notices:
    """Receivers of events.

    Attributes:
        command: Program and arguments that get the event, see `__init__`.
    """

    def __init__(self, stream: TextIO | None = None, command: Sequence[str] = ()) -> None:
        """Name the receivers.

        Args:
            stream: Stream that gets a line of JSON per event.
            command: Program and arguments. The program gets the event as JSON on its standard
                input, for the events in `COMMAND_EVENTS`.
        """
        self._stream = stream
        self.command = tuple(command)

    def send(self, event: str, **values: Any) -> None:
        """Send an event to all receivers. If the command fails, only stderr says so.

        Args:
            event: Name of the event.
            values: JSON-ready values.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = json_line({"event": event, "time": now, **values}, sort_keys=True)
        if self._stream:
            print(line, file=self._stream, flush=True)
        if self.command and event in COMMAND_EVENTS:
            self._run_command(line)

    @contextlib.contextmanager
    def tell_failure(self) -> Iterator[None]:
        """Send the event `pass_failed` where an error ends the block: then no batch has it."""
        try:
            yield
        except Exception as error:
            self.send("pass_failed", reason=last_line(error))
            raise

    def _run_command(self, line: str) -> None:
        try:
            subprocess.run(
                self.command,
                input=line,
                text=True,
                stdout=subprocess.DEVNULL,
                timeout=COMMAND_TIMEOUT,
                check=True,
            )
        except OSError as error:
            self._report(str(error.strerror))
        except subprocess.CalledProcessError as error:
            self._report(f"exit status {error.returncode}")
        except subprocess.TimeoutExpired:
            self._report(f"no exit within {COMMAND_TIMEOUT} seconds")

    def _report(self, problem: str) -> None:
        """Print why the command failed, without its arguments, which may be secret."""
        text = f"carryover: notify.command {self.command[0]} failed: {problem}"
        print_line(text, to_stderr=True)


def reserve_stdout() -> TextIO:
    """Reserve standard output for events: from now on, all other output goes to standard error.

    Returns:
        A stream on the standard output of before.
    """
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream

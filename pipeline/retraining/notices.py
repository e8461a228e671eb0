"""Notices of events: a line of JSON on a stream, and a command that gets the event."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, TextIO

#: Events on which the command is run.
COMMAND_EVENTS = ("pushed", "rejected", "failed", "held", "waiting")

#: Seconds after which the command is killed.
COMMAND_TIMEOUT = 60


class Notices:
    """Receivers of events."""

    def __init__(self, stream: TextIO | None = None, command: Sequence[str] = ()) -> None:
        """Name the receivers.

        Args:
            stream: Stream that gets a line of JSON per event.
            command: Program and arguments. The program gets the event as JSON on its standard
                input, for the events in `COMMAND_EVENTS`.
        """
        self._stream = stream
        self._command = list(command)

    def send(self, event: str, **values: Any) -> None:
        """Send an event to all receivers. If the command fails, only stderr says so.

        Args:
            event: Name of the event.
            values: JSON-ready values.
        """
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = json.dumps({"event": event, "time": now, **values}, sort_keys=True)
        if self._stream:
            print(line, file=self._stream, flush=True)
        if self._command and event in COMMAND_EVENTS:
            self._run_command(line)

    def _run_command(self, line: str) -> None:
        try:
            subprocess.run(
                self._command,
                input=line,
                text=True,
                stdout=subprocess.DEVNULL,
                timeout=COMMAND_TIMEOUT,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"carryover: notify.command failed: {error}", file=sys.stderr)


def reserve_stdout() -> TextIO:
    """Reserve standard output for events: from now on, all other output goes to standard error.

    Returns:
        A stream on the standard output of before.
    """
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream

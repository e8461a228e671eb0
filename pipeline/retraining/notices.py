"""Tells whoever wants to know what happens: a line of JSON per event, and a command."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, TextIO

#: Events that the command is run on.
TOLD = ("pushed", "rejected", "failed", "held")

#: Seconds that the command may take.
PATIENCE = 60


class Notices:
    """Where events go."""

    def __init__(self, stream: TextIO | None = None, command: Sequence[str] = ()) -> None:
        """Name the listeners.

        Args:
            stream: for a line of JSON per event.
            command: program and arguments; it gets the event as JSON on its standard input.
        """
        self._stream = stream
        self._command = list(command)

    def tell(self, event: str, **facts: Any) -> None:
        """Tell of an event. A command that fails costs a line on stderr, and nothing else."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = json.dumps({"event": event, "time": now, **facts}, sort_keys=True)
        if self._stream:
            print(line, file=self._stream, flush=True)
        if self._command and event in TOLD:
            self._run(line)

    def _run(self, line: str) -> None:
        try:
            subprocess.run(
                self._command,
                input=line,
                text=True,
                stdout=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"carryover: notify.command: {error}", file=sys.stderr)


def separate_stream() -> TextIO:
    """Standard output for events alone: what else is printed goes to standard error from now on."""
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream

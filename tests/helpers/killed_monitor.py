"""`carryover monitor` that kills itself with SIGKILL before or after it writes its state.

Usage: python -m killed_monitor before|after NUMBER [argument of carryover ...], where NUMBER counts
the times it writes its state: first with the batch under a hidden name, and at the end.
"""

import itertools
import os
import signal
import sys
from pathlib import Path

from pipeline.cli import main
from pipeline.monitoring.monitor_state import MonitorState

_write, _calls = MonitorState.write, itertools.count(1)


def write_or_die(when: str, number: int, state: MonitorState, path: Path) -> None:
    """Write the state, see `MonitorState.write`, and kill this process the given time."""
    is_last = next(_calls) == number
    if is_last and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    _write(state, path)
    if is_last:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    _, chosen, count, *arguments = sys.argv
    MonitorState.write = lambda state, path: write_or_die(chosen, int(count), state, path)
    sys.argv = ["carryover", *arguments]
    main()

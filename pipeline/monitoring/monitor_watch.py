"""Looks at the traffic again and again, each time in a process of its own."""

import threading

from pipeline.retraining.inbox_watcher import run_pass, set_on_signals


def watch_traffic(arguments: list[str], seconds: float) -> None:
    """Look until SIGTERM or Ctrl-C. A look that fails does not stop the next one.

    Args:
        arguments: Arguments of `carryover` for one look.
        seconds: Time from the end of a look to the next one.
    """
    stopped = threading.Event()
    with set_on_signals(stopped):
        while not stopped.is_set():
            run_pass(arguments, stopped)
            stopped.wait(seconds)

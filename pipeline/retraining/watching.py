"""`carryover watch`: a pass whenever something arrives, each in a process of its own."""

import signal
import subprocess
import sys
import threading
from types import FrameType

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.inbox import inbox_of

#: Seconds in which a pass must end after it was asked to; then it is killed, and the next start
#: brings its batch to its end.
GRACE = 30


class _Waker(FileSystemEventHandler):
    """Sets an event when something in the inbox is made, changed or moved."""

    def __init__(self, awake: threading.Event) -> None:
        self._awake = awake

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Watchdog calls this from its own thread."""
        if event.event_type in ("created", "modified", "moved", "closed"):
            self._awake.set()


def watch_inbox(arguments: list[str], options: RetrainOptions) -> None:
    """Run passes until SIGTERM or Ctrl-C.

    A pass is a process: what TensorFlow does not give back ends with it, and one that crashes takes
    nothing along. Where file events do not arrive, as on network folders, polling does.

    Args:
        arguments: of `carryover retrain`.
        options: inbox and times.

    Raises:
        InputError: there is no inbox.
    """
    inbox = inbox_of(options)
    awake, stopped = threading.Event(), threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        awake.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    observer = Observer()
    observer.schedule(_Waker(awake), str(inbox), recursive=True)
    observer.start()
    try:
        while not stopped.is_set():
            awake.clear()
            _run_pass(arguments, stopped)
            awake.wait(options.poll_seconds)
            # A delivery comes in many files: what follows at once is part of the same news.
            stopped.wait(min(1.0, options.poll_seconds))
    finally:
        observer.stop()
        observer.join()
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_pass(arguments: list[str], stopped: threading.Event) -> None:
    """One pass; it is asked to end when the watcher is."""
    command = [sys.executable, "-m", "pipeline.cli", "retrain", *arguments]
    # Of its own session: Ctrl-C on the terminal reaches the watcher alone, which passes it on.
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None:
        if stopped.wait(0.2):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

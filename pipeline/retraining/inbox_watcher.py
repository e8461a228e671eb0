"""Watch the inbox: run a pass, each in its own process, whenever something arrives."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from pipeline.config.path_check import folder_problem
from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.deliveries.inbox import configured_inbox, unusable_inbox
from pipeline.terminal.plain_lines import print_line
from trainer_module.contract.child_process import isolated_module

#: Seconds after which a pass is killed that was interrupted. The next pass processes its batch.
STOP_TIMEOUT = 30

#: Exit codes of a pass that has done all that it could, see `retraining_pass`.
SUCCESS_CODES = (0, 3, 4)

#: Most seconds between two passes that fail, unless `poll_seconds` is more.
MAX_PAUSE = 600.0


class ChangeHandler(FileSystemEventHandler):
    """Sets an event when something in the inbox is created, changed or moved.

    Hidden files count as nothing: `carryover label` keeps its journal beside a batch that it is
    going to write, and changes it with every label.
    """

    def __init__(self, inbox: Path, changed: threading.Event) -> None:
        """Name the inbox.

        Args:
            inbox: Folder that is watched.
            changed: Event to set.
        """
        self._inbox, self._changed = os.fspath(inbox), changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        """See `FileSystemEventHandler`. Watchdog calls this from its own thread."""
        if event.event_type not in ("created", "modified", "moved", "closed"):
            return
        paths = filter(None, map(os.fsdecode, (event.src_path, event.dest_path)))
        if not all(map(self._is_hidden, paths)):
            self._changed.set()

    def _is_hidden(self, path: str) -> bool:
        return any(name.startswith(".") for name in Path(os.path.relpath(path, self._inbox)).parts)


def watch_inbox(arguments: list[str], options: RetrainOptions) -> None:
    """Run passes until SIGTERM or Ctrl-C.

    Every pass is a process: memory that TensorFlow does not release is freed at its end, and a
    crash does not stop the watcher. Where file events do not arrive, as on network folders, a pass
    runs every `poll_seconds`. After a pass that failed, file events do not start the next one: it
    runs after a pause, which doubles with every failure in a row, up to `MAX_PAUSE`. That there is
    nothing to do is printed once, and again after a failure.

    Args:
        arguments: Arguments of `carryover` for one pass, with `retrain` among them.
        options: Options with the inbox and `poll_seconds`.

    Raises:
        InputError: No inbox is configured, or it is no folder.
    """
    inbox = configured_inbox(options)
    changed, stopped = threading.Event(), threading.Event()

    observer = _start_observer(inbox, changed, options.poll_seconds)
    print_line(
        f"watching {inbox}: a pass runs when something arrives, and every "
        f"{options.poll_seconds:g} seconds",
        to_stderr="--json" in arguments,
    )
    failures = 0
    told: list[str] = []
    with set_on_signals(stopped, changed), _stopping(observer):
        while not stopped.is_set():
            changed.clear()
            failures = 0 if run_pass(arguments + told, stopped) in SUCCESS_CODES else failures + 1
            told = [] if failures else ["--quiet"]
            if failures and not stopped.is_set():
                pause = _pause_seconds(failures, options.poll_seconds)
                text = f"carryover: the pass failed; the next one runs in {pause:g} seconds."
                print_line(text, to_stderr=True)
                stopped.wait(pause)
                continue
            changed.wait(options.poll_seconds)
            # A delivery has many files: one pass is enough for those that arrive together.
            stopped.wait(min(1.0, options.poll_seconds))


@contextlib.contextmanager
def set_on_signals(*events: threading.Event) -> Iterator[None]:
    """Set events on SIGTERM and Ctrl-C, in place of what these do outside the block.

    Args:
        events: Events to set.
    """

    def set_all(number: int, frame: FrameType | None) -> None:
        for event in events:
            event.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.signal(number, set_all) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _stopping(observer: BaseObserver | None) -> Iterator[None]:
    """Stop an observer at the end of the block."""
    try:
        yield
    finally:
        if observer:
            observer.stop()
            observer.join()


def _pause_seconds(failures: int, poll_seconds: float) -> float:
    """Return the seconds until the next pass after some failures in a row."""
    return max(poll_seconds, min(poll_seconds * 2.0 ** min(failures - 1, 30), MAX_PAUSE))


def _start_observer(
    inbox: Path, changed: threading.Event, poll_seconds: float
) -> BaseObserver | None:
    """Start to watch the inbox; return None if the operating system cannot do that."""
    if problem := folder_problem(inbox):
        raise unusable_inbox(inbox, problem)
    observer = Observer()
    observer.schedule(ChangeHandler(inbox, changed), str(inbox), recursive=True)
    try:
        observer.start()
    # The number of watched folders is limited, and so are the depth and the length of their paths.
    except (OSError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its folders are too deep"
        print_line(
            f"carryover: file events of {inbox} are unavailable ({reason}). A pass runs "
            f"every {poll_seconds:g} seconds.",
            to_stderr=True,
        )
        return None
    return observer


def run_pass(arguments: list[str], stopped: threading.Event) -> int:
    """Run a pass to its end, or stop it when the watcher is stopped.

    Args:
        arguments: Arguments of `carryover`.
        stopped: Event that is set when the watcher is to stop.

    Returns:
        Its exit code.
    """
    command = [*isolated_module("pipeline.cli"), *arguments]
    # In its own session: Ctrl-C on the terminal reaches only the watcher, which passes it on.
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None:
        if stopped.wait(0.2):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    return process.returncode

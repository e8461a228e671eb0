"""Ctrl-C reaches the command as KeyboardInterrupt, whatever library it interrupts."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from pipeline.logs.captured_output import log_traceback

#: Seconds after which an interrupt that was lost is sent again.
AGAIN_SECONDS = 0.05


@contextlib.contextmanager
def reliable_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt after Ctrl-C, whatever it interrupts.

    Beam turns it into an error of its own. Python itself drops it where it arrives in a destructor
    or in the callback of a weak reference: then it is sent again.
    """
    interrupts: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        with _sent_again_where_it_is_dropped():
            yield
    except Exception as error:
        if not interrupts:
            raise
        log_traceback()
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _sent_again_where_it_is_dropped() -> Iterator[None]:
    hook = sys.unraisablehook

    def send_again(dropped: "sys.UnraisableHookArgs") -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            # Later, as it would be raised in this function, and dropped once more.
            threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            hook(dropped)

    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = hook

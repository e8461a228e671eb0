"""Ctrl-C reaches the command as KeyboardInterrupt, whatever library it interrupts."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from pipeline.logs.captured_output import log_traceback


@contextlib.contextmanager
def reliable_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt after Ctrl-C, also where Beam turns it into an error of its own."""
    interrupts: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    except Exception as error:
        if not interrupts:
            raise
        log_traceback()
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, before)

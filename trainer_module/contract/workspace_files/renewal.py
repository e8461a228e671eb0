"""Renew something while a block works."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def renewed(renew: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call a function again and again, in another thread, until the block ends.

    Args:
        renew: Function to call; an error of it ends the renewals.
        seconds: Seconds before each call.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            renew()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

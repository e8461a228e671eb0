"""Processes that died while they read a delivery, counted over passes."""

import contextlib
import hashlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from pipeline.retraining.deliveries.inbox import Delivery

#: Name of the folder of the counts, in the folder of the copies.
DEATHS = ".reading"

#: Number of deaths after which a delivery is not read any more. A person who kills a pass, and a
#: computer that restarts, count as one.
MAX_DEATHS = 3

#: Reason of a delivery that is not read any more.
DIED = (
    f"the process ended {MAX_DEATHS} times while reading this delivery, as for lack of memory. To "
    "try again, touch a file of it"
)


class ProcessDeaths:
    """Counts of the processes that died while they read something, by key.

    A crash in native code and a lack of memory end the process without an error that it could
    handle. So the count is raised before the reading, and lowered after it. It is the size of a
    file without data, which needs no space on a full disk.
    """

    def __init__(self, batches: Path) -> None:
        """Use the folder `DEATHS`, which is created when needed.

        Args:
            batches: Folder of the copies.
        """
        self._folder = batches / DEATHS

    def count(self, key: str) -> int:
        """Return how many processes died in a row while they read something.

        Args:
            key: Digest of a batch, or stamp of a delivery, see `death_stamp`.
        """
        file = self._folder / key
        return file.stat().st_size if file.is_file() else 0

    def clear(self, key: str) -> None:
        """Set a count to 0."""
        self._set(key, 0)

    @contextlib.contextmanager
    def reading(self, key: str) -> Iterator[None]:
        """Count the process as dead if it ends within the block without a chance to say so.

        After the block, and after an error in it, the count is 0. An interrupt, which is no
        `Exception`, and SIGTERM leave it as it was before.

        Args:
            key: See `count`.

        Raises:
            OSError: The workspace cannot be written.
        """
        before = self.count(key)
        self._set(key, before + 1)
        after = before
        try:
            with _before_sigterm(lambda: self._set(key, before)):
                yield
            after = 0
        except Exception:
            after = 0
            raise
        finally:
            self._set(key, after)

    def copy_to(self, batches: Path) -> None:
        """Copy the counts to the folder of the copies of another workspace."""
        if self._folder.is_dir():
            shutil.copytree(self._folder, batches / DEATHS)

    def _set(self, key: str, count: int) -> None:
        file = self._folder / key
        if count == 0:
            file.unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.truncate(file, count)


def death_stamp(delivery: Delivery) -> str:
    """Return a stamp of a delivery for which its files need not be listed.

    It changes when a file of the delivery is changed or touched.
    """
    text = f"{delivery.source}\n{delivery.rough_stamp()}\n{delivery.changed}"
    return f"died-{hashlib.sha256(text.encode()).hexdigest()}"


def describe_deaths(count: int) -> str:
    """Return that a delivery is read now, though processes died at it.

    Args:
        count: Number of deaths, at least 1.
    """
    times = "once" if count == 1 else f"{count} times"
    return f"tried last: the process ended {times} while reading this delivery"


@contextlib.contextmanager
def _before_sigterm(action: Callable[[], None]) -> Iterator[None]:
    """Call a function before SIGTERM ends the process within the block."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can set handlers
        return

    def end(number: int, frame: FrameType | None) -> None:
        action()
        signal.signal(number, before)
        signal.raise_signal(number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

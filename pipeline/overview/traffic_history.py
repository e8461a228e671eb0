"""What arrived at the server lately, read bit by bit from the pictures that it keeps."""

import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.overview.thumbnail_process import ThumbnailProcess
from pipeline.overview.traffic_buckets import DAY, TrafficColumns, describe_buckets
from pipeline.overview.unusual_pictures import UnusualPictures
from pipeline.traffic.traffic_files import list_files
from pipeline.traffic.traffic_record import TrafficRecord
from pipeline.traffic.traffic_store import read_traffic, traffic_folder
from pipeline.version_lookup import find_stores
from trainer_module.contract.printable_names import printable_name

#: Seconds before now that are told about: a week.
WINDOW = 7 * DAY

#: Seconds before the newest record that are read again. Servers write up to a second late, and
#: several may write.
OVERLAP = 10.0

#: Records after which the thread pauses, and seconds of the pause: requests come first.
PAUSE_RECORDS, PAUSE = 100, 0.005

#: Seconds after which a reading pauses until somebody asks again: a server that stops waits for it.
READ_SECONDS = 3.0

#: Most domains that are told apart; clients choose their names.
MAX_NAMES = 1000

#: What is told where nothing is kept.
NOTHING: dict[str, Any] = {
    "is_kept": False,
    "is_complete": True,
    "pictures": 0,
    "other_pictures": 0,
    "unusual": [],
    "problem": "",
}


class TrafficHistory:
    """Keeps times, domains and novelties of the kept pictures, and the most unusual pictures.

    They are those of the serving version: the novelties of two versions are not comparable. What
    other versions predicted is counted.

    One thread calls `read`; any may call `stop`.
    """

    def __init__(self, workspace: Path, model: str, clock: Callable[[], float] = time.time) -> None:
        """Read nothing yet.

        Args:
            workspace: Folder of the workspace.
            model: Name of the model; what servers of other models keep is left out.
            clock: Function that returns the time, in seconds since 1970.
        """
        self._workspace, self._model, self._clock = workspace, model, clock
        self._folder = traffic_folder(workspace)
        self._thumbnails = ThumbnailProcess()
        self._unusual = UnusualPictures(self._thumbnails)
        self._names: dict[str, int] = {}
        self._files: dict[Path, float] = {}  # those of the last reading, and their first times
        self._version: int | None = None
        self._newest = 0.0  # time of the newest record that was read, of any model
        self._times, self._novelties, self._accepted = array("d"), array("f"), array("f")
        self._domains = array("q")
        self._other_times = array("d")
        self._is_stopped = threading.Event()

    def read(self, version: int | None) -> dict[str, Any]:
        """Read what is new, and return what arrived within `WINDOW`, as a JSON object.

        Args:
            version: Number of the serving version; None if no version is loaded. With another one
                than before, everything is read again.
        """
        now = self._clock()
        if version != self._version:
            self._version = version
            self._forget_all(now)
        try:
            is_complete = self._update(now)
        except OSError as error:
            folder = printable_name(str(self._folder))
            problem = f"The pictures in {folder} cannot be read: {error.strerror or error}."
            return NOTHING | {"is_kept": True, "problem": problem}
        columns = self._columns()
        common = {
            "is_kept": self._folder.is_dir(),
            "is_complete": is_complete,
            "other_pictures": len(self._other_times),
            "unusual": self._unusual.describe(),
        }
        if not len(columns.times):
            return NOTHING | common
        return NOTHING | common | describe_buckets(columns, list(self._names), now)

    def stop(self) -> None:
        """Let `read` return soon, because the server stops."""
        self._is_stopped.set()
        self._thumbnails.stop()

    def _update(self, now: float) -> bool:
        """Read for a few seconds, and return whether all was read."""
        end = time.monotonic() + READ_SECONDS
        start = max(now - WINDOW, self._follow_files(now))
        since = max(start, self._newest - OVERLAP)
        is_only_model = len(find_stores(self._workspace)) <= 1
        self._keep_between(start, since)
        self._unusual.forget(start)
        for number, record in enumerate(read_traffic(self._folder, since)):
            if record.time > now:  # written meanwhile, or by a clock that was wrong
                break
            self._newest = record.time
            if record.is_of(self._model, is_only_model):
                self._add(record)
            if number % PAUSE_RECORDS == PAUSE_RECORDS - 1:
                self._is_stopped.wait(PAUSE)
            if self._is_stopped.is_set() or time.monotonic() > end:
                return False
        return True

    def _follow_files(self, now: float) -> float:
        """Forget what was deleted, and return the time from which on records are kept.

        Files that make room are the oldest. Where others are gone, everything is read again.
        """
        files = {file.path: file.start for file in list_files(self._folder)}
        oldest = min(files.values(), default=now)
        if any(start > oldest for path, start in self._files.items() if path not in files):
            self._forget_all(now)
        self._files = files
        return oldest

    def _forget_all(self, now: float) -> None:
        """Forget every record, so that all files are read again."""
        self._keep_between(now, now)
        self._newest = 0.0
        self._unusual.forget(now)

    def _keep_between(self, start: float, end: float) -> None:
        """Forget the records before a time, and those from another time on."""
        low, high = bisect_left(self._times, start), bisect_left(self._times, end)
        for column in (self._times, self._domains, self._novelties, self._accepted):
            del column[high:]
            del column[:low]
        del self._other_times[bisect_left(self._other_times, end) :]
        del self._other_times[: bisect_left(self._other_times, start)]

    def _add(self, record: TrafficRecord) -> None:
        if record.version != self._version:
            self._other_times.append(record.time)
            return
        name = record.domain
        if name not in self._names and len(self._names) >= MAX_NAMES:
            name = ""
        self._times.append(record.time)
        self._domains.append(self._names.setdefault(name, len(self._names)))
        self._novelties.append(float("nan") if record.novelty is None else record.novelty)
        self._accepted.append(float("nan") if record.accepted is None else record.accepted)
        self._unusual.offer(record)

    def _columns(self) -> TrafficColumns:
        return TrafficColumns(
            np.array(self._times, np.float64),
            np.array(self._domains, np.int64),
            np.array(self._novelties, np.float32),
            np.array(self._accepted, np.float32),
        )

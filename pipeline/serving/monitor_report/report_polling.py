"""Reads the newest report of `carryover monitor` while the server runs."""

import asyncio
import json
import logging
import os
from pathlib import Path

from pipeline.overview.server_facts import MonitorReading
from pipeline.serving.monitor_report.report_gauges import Report, ReportGauges
from pipeline.serving.task_end import end_task
from trainer_module.contract.printable_names import printable_name
from trainer_module.contract.regular_file import UnusableFileError, open_regular

#: Seconds between two looks at the file.
LOOK_SECONDS = 5.0

#: Bytes of the largest report that is read: 100 client domains with thousands of classes.
MAX_BYTES = 32 * 2**20

_logger = logging.getLogger("carryover.serving")


class ReportPolling:
    """A service of the server that gives its gauges the newest report.

    A file that is missing is no report, and neither is one that is damaged: a line in the log says
    so when that begins. No request waits for the disk.
    """

    def __init__(self, path: Path, gauges: ReportGauges) -> None:
        """Read nothing yet.

        Args:
            path: Path of the report, see `report_file`.
            gauges: Gauges that get the report.
        """
        self._path, self._gauges = path, gauges
        self._status: tuple[int, ...] = ()
        self._problem = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def reading(self) -> MonitorReading:
        """What the page tells of it."""
        return MonitorReading(self._gauges.report, self._problem)

    async def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._read_on())

    async def stop(self, seconds: float) -> None:
        """Read no more.

        Args:
            seconds: Not used: nobody waits for a reading.
        """
        await end_task(self._task)

    async def _read_on(self) -> None:
        while True:
            await asyncio.to_thread(self.read)
            await asyncio.sleep(LOOK_SECONDS)

    def read(self) -> None:
        """Read the report if the file is another one than before, and give it to the gauges."""
        problem = ""
        try:
            with open_regular(os.fspath(self._path)) as file:
                found = os.fstat(file.fileno())
                status = found.st_ino, found.st_mtime_ns, found.st_size
                if status == self._status:
                    return
                content = file.read(MAX_BYTES + 1)
            self._gauges.report, self._status = _parse(content), status
        except FileNotFoundError:
            self._forget()
        except (OSError, UnusableFileError, ValueError, RecursionError) as error:
            self._forget()
            problem = str(error.strerror if isinstance(error, OSError) else error)
        if problem:
            problem = f"{printable_name(str(self._path))} cannot be read: {problem}"
        if problem and problem != self._problem:
            _logger.warning("%s. It is not in /metrics", problem)
        self._problem = problem

    def _forget(self) -> None:
        self._gauges.report, self._status = None, ()


def _parse(content: bytes) -> Report:
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
    values = json.loads(content)
    if not isinstance(values, dict):
        raise ValueError("it holds no JSON object")
    return values

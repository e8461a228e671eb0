"""Polls the directory of versions while the server runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.task_end import end_task
from trainer_module.contract.printable_names import printable_name

#: Seconds between two polls of the directory of versions, as in TensorFlow Serving.
POLL_SECONDS = 1.0

#: Seconds between two looks for the first version that is loaded.
LOOK_SECONDS = 0.05

_logger = logging.getLogger("carryover.serving")


class VersionPolling:
    """Loads versions before the server listens, and follows the directory from then on."""

    def __init__(
        self,
        versions: LoadedVersions[Any],
        on_update: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Poll nothing yet.

        Args:
            versions: Versions to update.
            on_update: Function that is called after every poll. If it raises an error, that is
                logged once, and versions are followed on.
        """
        self._versions, self._on_update = versions, on_update
        self._task: asyncio.Task[None] | None = None
        self._problem = self._update_problem = ""

    async def start(self) -> None:
        """Begin to poll, and return when a version is loaded; the others are loaded meanwhile."""
        self._task = asyncio.create_task(self._poll_on())
        while self._versions.serving() is None:
            await asyncio.sleep(LOOK_SECONDS)
            if self._task.done() and not self._task.cancelled():
                self._task.result()  # it ends by an error alone

    async def stop(self, seconds: float) -> None:
        """Poll no more.

        Args:
            seconds: Not used: nobody waits for a poll.
        """
        await end_task(self._task)

    async def _poll_on(self) -> None:
        while True:
            await self._poll()
            if self._on_update is not None:
                await self._tell_update(self._on_update)
            await asyncio.sleep(POLL_SECONDS)

    async def _tell_update(self, on_update: Callable[[], Awaitable[None]]) -> None:
        """Call the function, and log a problem when it begins: no push may be missed for it."""
        problem = ""
        try:
            await on_update()
        except Exception as error:
            problem = f"what follows the versions has failed: {type(error).__name__}: {error}"
        if problem and problem != self._update_problem:
            _logger.error("%s", printable_name(problem))
        self._update_problem = problem

    async def _poll(self) -> None:
        """Update the versions, and log a problem when it begins and when it is over."""
        problem = ""
        try:
            await asyncio.to_thread(self._versions.update)
        except OSError as error:
            problem = f"the directory of versions cannot be read: {error}"
        if self._versions.serving() is None and not problem:
            what = "can be loaded" if self._versions.states() else "is there yet"
            problem = f"no version {what}; waiting for one, until then the port is closed"
        if problem != self._problem:
            self._problem = problem
            _logger.error(problem or "the directory of versions can be read, and one is loaded")

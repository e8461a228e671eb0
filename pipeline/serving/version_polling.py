"""Polls the directory of versions while the server runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from pipeline.serving.app import Lifespan
from pipeline.serving.loaded_versions import LoadedVersions
from pipeline.serving.served_model import ServedModel
from pipeline.terminal.plain_lines import print_line

#: Seconds between two polls of the directory of versions, as in TensorFlow Serving.
POLL_SECONDS = 1.0

_logger = logging.getLogger("carryover.serving")


def poll_while_running(versions: LoadedVersions[ServedModel], announcement: str) -> Lifespan:
    """Return a lifespan that polls the directory of versions while the app runs.

    Args:
        versions: Versions to update.
        announcement: As for `poll_versions`.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(poll_versions(versions, announcement))
        try:
            yield
        finally:
            task.cancel()

    return lifespan


async def poll_versions(versions: LoadedVersions[ServedModel], announcement: str) -> None:
    """Poll the directory of versions until the task is cancelled.

    Args:
        versions: Versions to update.
        announcement: Text to print as soon as a version is loaded.
    """
    announced, problem = False, ""
    while True:
        new_problem = ""
        try:
            await asyncio.to_thread(versions.update)
        except OSError as error:
            new_problem = f"the directory of versions cannot be read: {error}"
        if not announced and versions.newest() is not None:
            announced = True
            print_line(announcement)
        elif not announced and versions.states():
            new_problem = new_problem or "no version can be loaded; waiting for a new one"
        if new_problem != problem:
            problem = new_problem
            _logger.error(problem or "the directory of versions can be read again")
        await asyncio.sleep(POLL_SECONDS)

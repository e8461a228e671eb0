"""The end of a task that the server runs in the background."""

import asyncio
import contextlib


async def end_task(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, and wait until it has ended.

    Args:
        task: The task; None if it was never started.

    Raises:
        Exception: The task had ended by this error before.
    """
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

"""Notices about the ends of shadows, which hold nothing up."""

import asyncio
import threading
from collections.abc import Sequence

from pipeline.retraining.notices import Notices
from pipeline.serving.shadow.shadow_record import ShadowRecord

#: Seconds that the end of the server waits for commands that still run. They run on after it.
CLOSE_SECONDS = 2.0


class ShadowNotices:
    """Runs the command for every end of a shadow, in a thread that does not hold up an exit."""

    def __init__(self, model: str, command: Sequence[str]) -> None:
        """Send nothing yet.

        Args:
            model: Name of the model.
            command: Program and arguments that get the event; none if empty.
        """
        self._model, self._notices = model, Notices(command=command)
        self._threads: list[threading.Thread] = []

    def send(self, record: ShadowRecord, text: str) -> None:
        """Send the event `shadow_ended`.

        Args:
            record: Record of the shadow.
            text: What became of it, in words.
        """
        if not self._notices.command:
            return
        values = {
            "model": self._model,
            "version": record.version,
            "serving": record.serving,
            "outcome": record.outcome,
            "text": text,
        }
        # Those of asyncio's executor would keep the process until the command has ended.
        thread = threading.Thread(
            target=self._notices.send, args=("shadow_ended",), kwargs=values, daemon=True
        )
        thread.start()
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]

    async def close(self) -> None:
        """Let commands that have just been started get their event."""
        deadline = asyncio.get_running_loop().time() + CLOSE_SECONDS
        while any(thread.is_alive() for thread in self._threads):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(0.05)

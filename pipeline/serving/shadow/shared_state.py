"""The file with the state of a shadow, which several servers of a workspace may write."""

import asyncio
import logging
from pathlib import Path

from pipeline.serving.shadow.shadow_state import (
    ShadowState,
    read_shadow_state,
    write_shadow_state,
)
from trainer_module.contract.errors import InputError
from trainer_module.contract.printable_names import printable_name

_logger = logging.getLogger("carryover.serving")


class SharedState:
    """Writes the state of this server, and reads what another one has written."""

    def __init__(self, path: Path, state: ShadowState) -> None:
        """Write nothing yet.

        Args:
            path: Path of the file.
            state: What was read of it.
        """
        self._path = path
        self._saved: tuple[object, ...] = state.revision
        self._stamp = _stamp(path)
        self._problem = ""

    def read_change(self) -> ShadowState | None:
        """Return what another server has written since; None if there is nothing, or no state."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            return read_shadow_state(self._path)
        except InputError:
            return None  # the next write mends the file

    def forget_saved(self) -> None:
        """Let the next `save` write the state although it has not changed here."""
        self._saved = ()

    async def save(self, state: ShadowState) -> None:
        """Write the state if it has changed; tell a problem once.

        Args:
            state: State of this server.
        """
        revision, problem = state.revision, ""
        if revision == self._saved:
            return
        try:
            if await asyncio.to_thread(self._write, state.to_json()):
                self._saved = revision
        except OSError as error:
            file = printable_name(str(self._path))
            problem = f"{file} cannot be written: {error.strerror}. A restart would compare anew"
        if problem and problem != self._problem:
            _logger.warning("%s", problem)
        self._problem = problem

    def _write(self, content: bytes) -> bool:
        """Write the file, unless another server has just done so: its decision is read first."""
        if _stamp(self._path) != self._stamp:
            return False
        write_shadow_state(self._path, content)
        self._stamp = _stamp(self._path)
        return True


def _stamp(file: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written; None if there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns

"""Makes thumbnails in a process of its own, see `thumbnail_program`."""

import json
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from trainer_module.contract.child_process import isolated_module
from trainer_module.contract.process_environment import environment_without_gpu

#: Message to the program: bytes of a picture, which follow. Its replies are lines of JSON.
SIZE = struct.Struct("!Q")

_PROGRAM = "pipeline.overview.thumbnail_program"

#: Seconds for the thumbnails of all pictures of one run of the program.
TIMEOUT = 10


class ThumbnailProcess:
    """Starts the program for every call. One thread calls `encode`; any may call `stop`."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._process: subprocess.Popen[bytes] | None = None
        self._lock, self._is_stopped = threading.Lock(), False

    def encode(self, pictures: Sequence[bytes]) -> list[str | None]:
        """Return the thumbnails of pictures as data URIs; None for those that have none.

        Args:
            pictures: Encoded pictures, which nobody has checked.
        """
        thumbnails: list[str | None] = []
        while len(thumbnails) < len(pictures):
            made = self._run(pictures[len(thumbnails) :])
            thumbnails += made
            if len(thumbnails) < len(pictures):
                thumbnails.append(None)  # the program has ended at this picture
        return thumbnails

    def stop(self) -> None:
        """End the process, if it runs; later calls of `encode` start none."""
        with self._lock:
            self._is_stopped = True
            if self._process:
                self._process.kill()

    def _run(self, pictures: Sequence[bytes]) -> list[str | None]:
        """Return the thumbnails of the first pictures, up to one at which the program ends."""
        with self._lock:
            if self._is_stopped:
                return [None] * len(pictures)
            self._process = subprocess.Popen(
                isolated_module(_PROGRAM),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment_without_gpu(),
                cwd=Path("/"),
            )
        jobs = b"".join(SIZE.pack(len(one)) + one for one in pictures)
        with self._process as process:
            try:
                replies, _ = process.communicate(jobs, timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                replies, _ = process.communicate()
        lines = replies.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

"""A process that prepares pictures, as the server sees it."""

import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from components.image_example_gen.picture_reader import UnusablePictureError
from pipeline.serving.decoding.decoder_program import JOB, REPLY, Reply, Status
from pipeline.serving.protocol.request_errors import RequestError
from trainer_module.contract.child_process import isolated_module

PROGRAM = "pipeline.serving.decoding.decoder_program"

#: Most seconds of CPU time for one picture. The largest that is allowed takes about 8.
MAX_CPU_SECONDS = 15.0

#: Most seconds for one picture, which is less than the server has to end.
MAX_SECONDS = 24.0

#: Environment of the process: without threads, its memory depends on the picture alone.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}


class DecoderProcess:
    """Starts the program when it is needed, and anew after it was ended.

    It does one job at a time: `prepare` waits for its turn.
    """

    def __init__(
        self, max_cpu_seconds: float = MAX_CPU_SECONDS, max_seconds: float = MAX_SECONDS
    ) -> None:
        """Start nothing yet.

        Args:
            max_cpu_seconds: Most seconds of CPU time for one picture.
            max_seconds: Most seconds for one picture.
        """
        self._max_cpu_seconds, self._max_seconds = max_cpu_seconds, max_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="decoder")

    def prepare(self, content: bytes, max_pixels: int, rewrite: bool) -> Reply:
        """Prepare a picture, see `decoder_program.prepare`.

        Args:
            content: Bytes of a file.
            max_pixels: Most pixels of the picture.
            rewrite: Whether to decode it, whatever its header says.

        Raises:
            UnusablePictureError: It takes too much time, or the decoder crashes.
            RequestError: It takes too long because the machine is busy, status 503.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            process = self._process
            assert process.stdin  # noqa: S101 - for the type checker
            assert process.stdout  # noqa: S101 - for the type checker
            try:
                process.stdin.write(JOB.pack(len(content), max_pixels, rewrite))
                process.stdin.write(content)
                process.stdin.flush()
                return _read_reply(process.stdout)
            except (BrokenPipeError, EOFError):
                raise self._explain_end(process) from None

    def stop(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.thread.shutdown(wait=False)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*isolated_module(PROGRAM), str(self._max_cpu_seconds), str(self._max_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ENVIRONMENT,
            cwd=Path(os.sep),
        )

    def _explain_end(self, process: subprocess.Popen[bytes]) -> Exception:
        """Return the error that says why the process has ended."""
        code = process.wait()
        if code == -signal.SIGPROF:
            seconds = f"{self._max_cpu_seconds:g} seconds"
            return UnusablePictureError(f"too costly: it takes more than {seconds} to decode")
        if code == -signal.SIGALRM:
            return RequestError(503, "the machine is too busy to decode the picture: try again")
        return UnusablePictureError("damaged: the decoder crashes")


def _read_reply(replies: IO[bytes]) -> Reply:
    status, num_pixels, num_bytes = REPLY.unpack(_read(replies, REPLY.size))
    return Reply(Status(status), num_pixels, _read(replies, num_bytes))


def _read(replies: IO[bytes], num_bytes: int) -> bytes:
    content = replies.read(num_bytes)
    if len(content) < num_bytes:
        raise EOFError
    return content

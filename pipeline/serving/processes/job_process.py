"""A process that does jobs for the server, as the server sees it."""

import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

from trainer_module.contract.child_process import isolated_module
from trainer_module.contract.process_environment import environment_without_gpu

#: Environment of the process: without threads, its memory depends on the job alone.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}

Reply = TypeVar("Reply")


class ProcessEndedError(Exception):
    """The process has ended during a job.

    Attributes:
        code: Exit code, the negative number of a signal if that ended it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"the process has ended with exit code {code}")
        self.code = code


class JobProcess:
    """Starts a program when it is needed, and anew after it has ended.

    The program gets jobs from stdin and replies to stdout, see `job_program`. It does one job at a
    time: `run` waits for its turn.

    Attributes:
        thread: Thread for calls of `run`, which block.
    """

    def __init__(self, module: str, arguments: Sequence[str] = (), name: str = "job") -> None:
        """Start nothing yet.

        Args:
            module: Dotted name of the program's module.
            arguments: Arguments of the program.
            name: Name of the thread.
        """
        self._command = [*isolated_module(module), *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def run(
        self, send: Callable[[IO[bytes]], None], receive: Callable[[IO[bytes]], Reply]
    ) -> Reply:
        """Do a job.

        Args:
            send: Function that writes the job.
            receive: Function that reads the reply; it raises EOFError if the reply ends early.

        Raises:
            ProcessEndedError: The process has ended before its reply was complete.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = self._start()
            process = self._process
            assert process.stdin  # noqa: S101 - for the type checker
            assert process.stdout  # noqa: S101 - for the type checker
            try:
                send(process.stdin)
                process.stdin.flush()
                return receive(process.stdout)
            except (BrokenPipeError, EOFError):
                raise ProcessEndedError(process.wait()) from None

    def stop(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.thread.shutdown(wait=False)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment_without_gpu(ENVIRONMENT),
            cwd=Path(os.sep),
        )


def read_exactly(replies: IO[bytes], num_bytes: int) -> bytes:
    """Return the next bytes of a stream.

    Args:
        replies: Stream.
        num_bytes: Number of bytes.

    Raises:
        EOFError: The stream ends before.
    """
    content = replies.read(num_bytes)
    if len(content) < num_bytes:
        raise EOFError
    return content

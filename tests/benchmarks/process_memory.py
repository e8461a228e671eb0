"""Memory of a process and of all that it started, looked at from outside."""

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Seconds between two looks.
INTERVAL = 0.2


@dataclass(frozen=True)
class Finished:
    """A command that has ended.

    Attributes:
        code: Exit code.
        output: Standard output and standard error.
        peak: Most `tree_memory` seen, in bytes.
        seconds: Time that it took.
    """

    code: int
    output: str
    peak: int
    seconds: float


def watch_memory(command: list[str], environment: dict[str, str]) -> Finished:
    """Run a command to its end, and look at its memory every `INTERVAL` seconds."""
    peak, start = 0, time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, tree_memory(watched))
            time.sleep(INTERVAL)
        output.seek(0)
        return Finished(process.returncode, output.read(), peak, time.monotonic() - start)


def process_tree(process: psutil.Process) -> list[psutil.Process]:
    """Return a process and all that it started; nothing where it has ended."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def tree_memory(process: psutil.Process) -> int:
    """Return the anonymous memory of a process and of all that it started, in bytes."""
    return sum(anonymous_memory(one.pid) for one in process_tree(process))


def anonymous_memory(pid: int) -> int:
    """Return the resident memory of a process that is not a page of a file, in bytes."""
    return sum(
        int(line.split()[1]) * 1024
        for line in read_process_file(pid, "status").splitlines()
        if line.startswith(("RssAnon:", "RssShmem:"))
    )


def read_process_file(pid: int, name: str) -> str:
    """Return a file of /proc; "" for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""

"""Processes that start at once, because TensorFlow, Beam and TFX are imported already.

A server (multiprocessing's forkserver) imports what every run imports and nothing more. Each
process is forked from it: it has its own memory, output, environment and process group, and ends
as a process does. Importing takes 10 to 20 s, so dozens of commands become minutes. The processes
can build `tiny_backbone`, and the probe of their ServingCheck starts at once, too.

Variables that libraries read while they are imported (`TF_CPP_MIN_LOG_LEVEL`) come too late here:
tests of those start Python anew. TensorFlow has not initialised its devices yet.
"""

import contextlib
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import warm_probe
from repository import ROOT

#: What runs import sooner or later. None of them starts a thread or opens a file for good.
IMPORTED = [
    "matplotlib.pyplot",
    "tensorflow",
    "keras",
    "apache_beam",
    "tfx.v1",
    "tensorflow_model_analysis",
    "trainer_module.training",
    "pipeline.dag",
]


class WarmProcess:
    """A process with the interface of `subprocess.Popen`, as far as the tests need it."""

    def __init__(self, process: ForkServerProcess) -> None:
        """Take over a process that has been started."""
        assert process.pid
        self.pid: int = process.pid
        self._process = process

    @property
    def returncode(self) -> int | None:
        """Exit code; negative for a signal, None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        self._process.join(timeout)
        code = self.returncode
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to this process alone."""
        os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM to this process alone."""
        self.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """Kill it, and all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def start(
    module: str,
    arguments: list[str],
    *,
    stdout: Path,
    stderr: Path,
    folder: Path = ROOT,
    environment: dict[str, str] | None = None,
) -> WarmProcess:
    """Start `python -m module arguments`.

    Args:
        module: Dotted name of the program.
        arguments: Its command line.
        stdout: File or named pipe for its output.
        stderr: File for its errors; may be the same as `stdout`.
        folder: Working directory.
        environment: Variables in place of those of this process.
    """
    variables = dict(os.environ if environment is None else environment)
    variables[warm_probe.ADDRESS] = warm_probe.start_server()
    process = _server().Process(
        target=_run, args=(module, arguments, str(folder), variables, str(stdout), str(stderr))
    )
    process.start()
    _wait_for_group(process)
    return WarmProcess(process)


#: Seconds after which a program that was to end by itself is killed, so that a test which starts
#: one that never does fails, and no other test waits for it.
TOO_LONG = 900


def run(
    module: str, arguments: list[str], scratch: Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run `python -m module arguments` to its end.

    Args:
        module: Dotted name of the program.
        arguments: Its command line.
        scratch: Existing folder for files with its output.
        options: `folder` and `environment` as in `start`.

    Raises:
        subprocess.TimeoutExpired: It was killed because it took too long.
    """
    stdout, stderr = scratch / "stdout", scratch / "stderr"
    process = start(module, arguments, stdout=stdout, stderr=stderr, **options)
    try:
        code = process.wait(TOO_LONG)
    except subprocess.TimeoutExpired:
        process.kill_group()
        raise
    return subprocess.CompletedProcess(
        [module, *arguments], code, stdout.read_text(), stderr.read_text()
    )


@functools.cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with pytest.MonkeyPatch.context() as patch:
        # Google's packages warn of old versions in dozens of lines while they are imported.
        patch.setenv("PYTHONWARNINGS", "ignore::FutureWarning")
        forkserver.ensure_running()
    return context


def _wait_for_group(process: ForkServerProcess) -> None:
    """Wait until the process leads a group of its own, so that the group can be killed."""
    while process.exitcode is None and process.pid:
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == process.pid:
                return
        time.sleep(0.01)


def _run(
    module: str,
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    stdout: str,
    stderr: str,
) -> None:
    for descriptor, path in ((1, stdout), (2, stderr)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.setpgid(0, 0)  # `start` returns after it: a named pipe has its writer by then
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # The inherited ones believe in what the descriptors were: a file, perhaps, and not a pipe.
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [module, *arguments]
    from with_tiny_backbone import run_module  # it imports Keras, which the server has done

    warm_probe.use()
    run_module(module)

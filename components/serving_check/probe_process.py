"""Process of the probe, which can be started while another component still works."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.serving_check import probe
from trainer_module.contract.process_environment import environment_without_gpu

#: Number of pictures that the probe sends through the model.
NUM_PICTURES = 8

#: Seconds in which a model must be loaded and have returned its predictions.
TIME_LIMIT = 600


class ProbeProcess:
    """A clean process, without our code on its path, that waits for a model to check."""

    def __init__(self) -> None:
        """Start the process. It imports TensorFlow, which takes seconds."""
        self._empty = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            # -I: neither the working directory nor PYTHONPATH is on the probe's path.
            [sys.executable, "-I", str(Path(probe.__file__))],
            cwd=self._empty.name,
            env=environment_without_gpu(),  # eight pictures need none
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check(self, model: str, shards: list[str]) -> dict[str, Any]:
        """Load a SavedModel, call its signatures, and end the process.

        Args:
            model: Folder of the SavedModel.
            shards: Paths of TFRecord files with tf.Examples of ImageExampleGen.

        Returns:
            `problems`: sentences, none if the model can serve; `seconds`: duration of the probe,
            or None if it crashed.
        """
        with self:
            line = json.dumps([model, NUM_PICTURES, *shards])
            try:
                output, errors = self._process.communicate(f"{line}\n", timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired:
                return {"problems": [f"no response within {TIME_LIMIT} s"], "seconds": TIME_LIMIT}
        code = self._process.returncode
        if code != 0:
            last = (errors.strip().splitlines() or ["no message"])[-1]
            problem = f"the process ended with code {code}: {last}"
            return {"problems": [problem], "seconds": None}
        findings: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return findings

    def __enter__(self) -> "ProbeProcess":
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()
        self._empty.cleanup()


#: Processes that were started ahead and that no check has taken; none or one.
_ahead: list[ProbeProcess] = []


@contextlib.contextmanager
def started_ahead() -> Iterator[None]:
    """Start the process of the next check; at the end of the block, one not taken is ended."""
    _ahead.append(ProbeProcess())
    try:
        yield
    finally:
        while _ahead:
            with _ahead.pop():
                pass


def run_probe(model: str, shards: list[str]) -> dict[str, Any]:
    """Check a SavedModel in the process that was started ahead, or in a new one.

    Args:
        model: Folder of the SavedModel.
        shards: Paths of TFRecord files with tf.Examples of ImageExampleGen.

    Returns:
        See `ProbeProcess.check`.
    """
    process = _ahead.pop() if _ahead else ProbeProcess()
    return process.check(model, shards)

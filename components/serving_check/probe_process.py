"""Process of the probe, which can check a model while another component still works."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.serving_check import probe
from trainer_module.contract.folder_files import list_files
from trainer_module.contract.process_environment import environment_without_gpu

#: Number of pictures that the probe sends through the model.
NUM_PICTURES = 8

#: Seconds in which a model must be loaded and have returned its predictions.
TIME_LIMIT = 600


class ProbeProcess:
    """A clean process, without our code on its path, that checks one model.

    Attributes:
        model: Folder of the SavedModel.
        shards: Paths of TFRecord files with tf.Examples of ImageExampleGen.
    """

    def __init__(self, model: str, shards: list[str]) -> None:
        """Start the process: it imports TensorFlow, loads the model and calls its signatures.

        Args:
            model: See the attribute.
            shards: See the attribute.
        """
        self.model, self.shards = model, shards
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
        line = json.dumps([model, NUM_PICTURES, *shards])
        with contextlib.suppress(BrokenPipeError):  # it crashed: its result says how
            print(line, file=self._process.stdin, flush=True)

    def result(self) -> dict[str, Any]:
        """Wait for the result, and end the process.

        Returns:
            `problems`: sentences, none if the model can serve; `seconds`: duration of the probe,
            or None if it crashed.
        """
        with self:
            try:
                output, errors = self._process.communicate(timeout=TIME_LIMIT)
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


#: Processes that were started ahead and whose result nobody has taken; none or one.
_ahead: list[ProbeProcess] = []


@contextlib.contextmanager
def started_ahead(model: str, shards: list[str]) -> Iterator[None]:
    """Check a model during the block; at its end, a process that nobody has taken is ended.

    Args:
        model: Folder of the SavedModel.
        shards: Paths of TFRecord files with tf.Examples of ImageExampleGen.
    """
    _ahead.append(ProbeProcess(model, shards))
    try:
        yield
    finally:
        while _ahead:
            with _ahead.pop():
                pass


def run_probe(model: str, shards: list[str]) -> dict[str, Any]:
    """Check a SavedModel, in the process that was started ahead for it or in a new one.

    Args:
        model: Folder of the SavedModel.
        shards: Paths of TFRecord files with tf.Examples of ImageExampleGen.

    Returns:
        See `ProbeProcess.result`.
    """
    is_ahead = bool(_ahead) and (_ahead[-1].model, _ahead[-1].shards) == (model, shards)
    process = _ahead.pop() if is_ahead else ProbeProcess(model, shards)
    return process.result()


def probe_shards(examples: str) -> list[str]:
    """Return the shards whose first pictures the probe sends.

    Args:
        examples: URI of ImageExampleGen's examples.
    """
    return list_files(f"{examples}/Split-train")

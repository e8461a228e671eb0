"""Sends real pictures through the export in a clean process, and blesses it or not."""

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from components.serving_check import probe

logger = logging.getLogger("carryover.serving_check")

#: Pictures that the probe sends through the model.
PICTURES = 8

#: A model that does not load and answer in this time, in seconds, is not fit to serve.
TIME_LIMIT = 600

FINDINGS = "findings.json"


class ServingCheckExecutor(base_executor.BaseExecutor):
    """Blesses a model that a clean process can load and call."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`."""
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        uris = artifact_utils.get_split_uris(input_dict["examples"], "train")
        shards = sorted(file for uri in uris for file in fileio.glob(f"{uri}/*"))
        findings = run_probe(path_utils.serving_model_path(model.uri), shards)
        io_utils.write_string_file(f"{blessing.uri}/{FINDINGS}", json.dumps(findings))
        for problem in findings["problems"]:
            logger.error("the model cannot serve: %s", problem)
        mark_blessing(blessing, not findings["problems"])


def run_probe(model: str, shards: list[str]) -> dict[str, Any]:
    """Load a SavedModel in a process without our code and call its signatures.

    Args:
        model: folder of the SavedModel.
        shards: gzipped TFRecords of tf.Examples, as ingestion writes them.

    Returns:
        `problems`, in words, empty when the model can serve; `seconds` that the probe took.
    """
    # -I: neither the working directory nor PYTHONPATH is on the probe's path.
    command = [sys.executable, "-I", str(Path(probe.__file__)), model, str(PICTURES), *shards]
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                command, cwd=empty, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            return {"problems": [f"no answer within {TIME_LIMIT} s"], "seconds": TIME_LIMIT}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        problem = f"the process ended with code {done.returncode}: {last}"
        return {"problems": [problem], "seconds": None}
    return json.loads(done.stdout.strip().splitlines()[-1])


def mark_blessing(blessing: artifact.Artifact, blessed: bool) -> None:
    """Write the blessing the way TFX's InfraValidator does, so that any Pusher understands it."""
    name = "INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED"
    io_utils.write_string_file(f"{blessing.uri}/{name}", "")
    blessing.set_int_custom_property("blessed", int(blessed))


def read_problems(blessing_uri: str) -> list[str]:
    """What the probe found wrong with a model, in words."""
    with fileio.open(f"{blessing_uri}/{FINDINGS}", "r") as file:
        return json.loads(file.read())["problems"]

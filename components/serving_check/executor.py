"""Sends pictures through the exported model in a clean process, and blesses it or not."""

import json
import logging
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils

from components.compat.tfx_internals import serving_model_path, write_string_file
from components.serving_check.probe_process import probe_shards, run_probe

logger = logging.getLogger("carryover.serving_check")

#: File in the blessing with the result of the probe.
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
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        findings = run_probe(serving_model_path(model.uri), probe_shards(examples))
        write_string_file(f"{blessing.uri}/{FINDINGS}", json.dumps(findings))
        for problem in findings["problems"]:
            logger.error("the model cannot serve: %s", problem)
        mark_blessing(blessing, not findings["problems"])


def mark_blessing(blessing: artifact.Artifact, blessed: bool) -> None:
    """Write a blessing in the format of TFX's InfraValidator, which any Pusher reads.

    Args:
        blessing: `InfraBlessing` artifact.
        blessed: Whether the model can serve.
    """
    name = "INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED"
    write_string_file(f"{blessing.uri}/{name}", "")
    blessing.set_int_custom_property("blessed", int(blessed))


def read_problems(blessing_uri: str) -> list[str]:
    """Read the problems that the probe found, as sentences.

    Args:
        blessing_uri: URI of the `InfraBlessing` artifact.
    """
    with fileio.open(f"{blessing_uri}/{FINDINGS}", "r") as file:
        problems: list[str] = json.loads(file.read())["problems"]
    return problems

"""Kubeflow's ExecutorInput: the inputs and outputs of a step.

Before a step starts, Kubeflow's launcher copies its input artifacts from the object store to local
folders; when it has ended, the launcher copies the folders of its outputs to the store. A step that
works on these folders needs no client library of a store.
"""

import json
import os
from pathlib import Path
from typing import Any

#: Scheme of a URI -> folder to which the launcher copies such artifacts, as Kubeflow defines it.
_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}


def local_path(uri: str) -> str:
    """Return the local folder of an artifact; a path is returned unchanged."""
    # The launcher reads this variable, too. Tests set it to move the folders.
    base = os.environ.get("ARTIFACT_LOCAL_PATH", "")
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return f"{base}{mount}{uri.removeprefix(scheme)}"
    return uri


class ExecutorInput:
    """Inputs and outputs of a step."""

    def __init__(self, text: str) -> None:
        """Parse the message.

        Args:
            text: ExecutorInput in JSON, which replaces `{{$}}` in the command line.
        """
        content = json.loads(text)
        self._inputs: dict[str, Any] = content.get("inputs", {})
        self._outputs: dict[str, Any] = content.get("outputs", {})

    @property
    def parameters(self) -> dict[str, Any]:
        """Input parameters by name. Integers may come as floats."""
        parameters: dict[str, Any] = self._inputs.get("parameterValues", {})
        return parameters

    def input_path(self, name: str) -> str:
        """Return the local folder of an input artifact."""
        return local_path(self._inputs["artifacts"][name]["artifacts"][0]["uri"])

    @property
    def input_artifacts(self) -> list[str]:
        """Names of the input artifacts."""
        return list(self._inputs.get("artifacts", {}))

    def output_path(self, name: str) -> str:
        """Return the local folder of an output artifact. It may not exist yet."""
        return local_path(self._outputs["artifacts"][name]["artifacts"][0]["uri"])

    def write_parameter(self, name: str, value: Any) -> None:
        """Write the value of an output parameter: text as it is, all else as JSON."""
        file = Path(self._outputs["parameters"][name]["outputFile"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")

    @property
    def output_parameters(self) -> list[str]:
        """Names of the output parameters."""
        return list(self._outputs.get("parameters", {}))

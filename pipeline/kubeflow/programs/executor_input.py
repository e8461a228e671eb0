"""What Kubeflow tells a step, and where the step finds it.

Kubeflow's launcher copies input artifacts from the object store to local folders before a step
starts, and what the step leaves in the folders of its outputs back to the store. A step that works
on these folders needs no library of any store, and sees a file system like any other.
"""

import json
import os
from pathlib import Path
from typing import Any

#: Scheme of a URI -> folder in which the launcher keeps what has it, as Kubeflow defines them.
_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}


def local_path(uri: str) -> str:
    """Where a step finds what has a URI; a path stays what it is."""
    # The launcher's own variable; it moves these folders for tests.
    base = os.environ.get("ARTIFACT_LOCAL_PATH", "")
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return f"{base}{mount}{uri.removeprefix(scheme)}"
    return uri


class ExecutorInput:
    """The JSON object `{{$}}` in a command line, Kubeflow's ExecutorInput."""

    def __init__(self, text: str) -> None:
        content = json.loads(text)
        self._inputs: dict[str, Any] = content.get("inputs", {})
        self._outputs: dict[str, Any] = content.get("outputs", {})

    @property
    def parameters(self) -> dict[str, Any]:
        """By name; integers may come as floats."""
        return self._inputs.get("parameterValues", {})

    def artifact(self, name: str) -> str:
        """Folder of an input."""
        return local_path(self._inputs["artifacts"][name]["artifacts"][0]["uri"])

    @property
    def artifacts(self) -> list[str]:
        """Names of the inputs that are artifacts."""
        return list(self._inputs.get("artifacts", {}))

    def output(self, name: str) -> str:
        """Folder for an output. It may not exist yet."""
        return local_path(self._outputs["artifacts"][name]["artifacts"][0]["uri"])

    def write_parameter(self, name: str, value: Any) -> None:
        """Give an output parameter its value."""
        file = Path(self._outputs["parameters"][name]["outputFile"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")

    @property
    def output_parameters(self) -> list[str]:
        """Names of the outputs that are parameters."""
        return list(self._outputs.get("parameters", {}))

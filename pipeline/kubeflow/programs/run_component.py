"""Runs by itself: a TFX component as a step on Kubeflow.

TFX's own entry point hands the URIs of the object store to the executors. Ours, Keras and TFX's
Trainer want folders, and no library here knows `minio://`. So this one gives TFX's entry point the
folders in which Kubeflow's launcher keeps the artifacts, and names the URIs again in its answer.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pipeline.kubeflow.programs.executor_input import local_path

FLAG = "--json_serialized_invocation_args"


def localize(executor_input: dict[str, Any]) -> dict[str, str]:
    """Replace the URIs of all artifacts by folders, in place.

    TFX's Evaluator looks artifacts up by name; the open-source backend gives them none.

    Returns:
        Folder -> URI.
    """
    uris = {}
    for side in ("inputs", "outputs"):
        for listed in executor_input.get(side, {}).get("artifacts", {}).values():
            for artifact in listed["artifacts"]:
                uri = artifact["uri"]
                artifact["uri"] = local_path(uri)
                artifact["name"] = artifact.get("name") or uri
                uris[artifact["uri"]] = uri
    return uris


def restore(output: dict[str, Any], uris: dict[str, str]) -> None:
    """Name the URIs again in what a component answers, in place."""
    for listed in output.get("artifacts", {}).values():
        for artifact in listed["artifacts"]:
            artifact["uri"] = uris[artifact["uri"]]


def main() -> None:
    """Run the component that the command line names."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    arguments = list(sys.argv)
    place = arguments.index(FLAG) + 1
    executor_input = json.loads(arguments[place])
    uris = localize(executor_input)
    outputs = executor_input["outputs"]
    for listed in outputs["artifacts"].values():
        Path(listed["artifacts"][0]["uri"]).mkdir(parents=True, exist_ok=True)
    arguments[place] = json.dumps(executor_input)
    kubeflow_v2_run_executor.main(kubeflow_v2_run_executor._parse_flags(arguments))

    answer = Path(outputs["outputFile"])
    output = json.loads(answer.read_text())
    restore(output, uris)
    answer.write_text(json.dumps(output))


if __name__ == "__main__":
    main()

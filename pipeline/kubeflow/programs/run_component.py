"""Program of a step on Kubeflow: run a TFX component on local folders.

TFX's entry point passes URIs of the object store to the executors. Our executors, Keras and TFX's
Trainer need local folders, and no library here can read `minio://`. So this program passes TFX's
entry point the folders to which Kubeflow's launcher has copied the artifacts, and replaces these
folders by the URIs in the output file.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pipeline.kubeflow.long_parameters import restore_parameter
from pipeline.kubeflow.programs.executor_input import local_path
from pipeline.kubeflow.step_environment import StepEnvironment
from pipeline.kubeflow.step_failures import noted_failures
from pipeline.terminal.standard_streams import prepare_streams

FLAG = "--json_serialized_invocation_args"


def use_local_paths(executor_input: dict[str, Any]) -> dict[str, str]:
    """Replace the URIs of all artifacts by local folders, in place.

    Artifacts without a name get their URI as name: TFX's Evaluator looks artifacts up by name, and
    the open-source backend sets none.

    Args:
        executor_input: Kubeflow's ExecutorInput message in the form of JSON.

    Returns:
        Local folder -> URI.
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


def restore_uris(output: dict[str, Any], uris: dict[str, str]) -> None:
    """Replace the local folders in a component's output by their URIs, in place.

    Args:
        output: Kubeflow's ExecutorOutput message in the form of JSON.
        uris: Local folder -> URI, see `use_local_paths`.
    """
    for listed in output.get("artifacts", {}).values():
        for artifact in listed["artifacts"]:
            artifact["uri"] = uris[artifact["uri"]]


def main() -> None:
    """Run the component that the command line describes."""
    prepare_streams()
    from components.compat.cached_beam_lookups import cached_beam_lookups
    from components.compat.tfx_internals import run_kubeflow_component

    arguments = list(sys.argv)
    position = arguments.index(FLAG) + 1
    executor_input = json.loads(arguments[position])
    uris = use_local_paths(executor_input)
    outputs = executor_input["outputs"]
    for listed in outputs["artifacts"].values():
        Path(listed["artifacts"][0]["uri"]).mkdir(parents=True, exist_ok=True)
    with noted_failures(StepEnvironment.read()), cached_beam_lookups():
        values = executor_input.get("inputs", {}).get("parameterValues", {})
        for name, value in values.items():
            values[name] = restore_parameter(value)
        arguments[position] = json.dumps(executor_input)
        run_kubeflow_component(arguments)

    output_file = Path(outputs["outputFile"])
    output = json.loads(output_file.read_text())
    restore_uris(output, uris)
    output_file.write_text(json.dumps(output))


if __name__ == "__main__":
    main()

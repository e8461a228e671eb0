"""The DAG as TFX's own Kubeflow runner compiles it."""

from typing import Any

from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from trainer_module.contract.errors import InputError

#: Entry point of every TFX component, see `run_component`.
COMMAND = ["python", "-m", "pipeline.kubeflow.programs.run_component"]


def compile_dag(pipeline: Pipeline, image: str) -> dict[str, Any]:
    """Compile to a pipeline spec, version 2.1, in the form of JSON.

    Raises:
        InputError: Kubeflow cannot run a component.
    """
    for node in pipeline.components:
        if isinstance(node, Resolver):
            raise InputError(
                f"component {node.id} is a Resolver, which Kubeflow's open-source backend does not "
                "run. Use an Importer in pipeline/dag.py."
            )
    config = KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=COMMAND, use_pipeline_spec_2_1=True
    )
    try:
        job = KubeflowV2DagRunner(config).run(pipeline, write_out=False)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise InputError(f"Kubeflow cannot run this pipeline: {error}") from error
    return job["pipelineSpec"]


def parameter_values(spec: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Constant parameters of all tasks: (task, parameter) -> text or number."""
    values = {}
    for task, body in spec["root"]["dag"]["tasks"].items():
        kinds = spec["components"][task].get("inputDefinitions", {}).get("parameters", {})
        for name, source in body.get("inputs", {}).get("parameters", {}).items():
            value = source["runtimeValue"]["constant"]
            # Numbers of a spec are floats; where an integer is meant, Kubeflow reads no other text.
            whole = kinds[name]["parameterType"] == "NUMBER_INTEGER"
            values[task, name] = int(value) if whole else value
    return values

"""Compile the DAG to a pipeline spec of Kubeflow Pipelines, by TFX's Kubeflow runner."""

from typing import Any

from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline

from pipeline.kubeflow.task_groups import PipelineSpec
from trainer_module.contract.errors import InputError

#: Entry point of every component, see `pipeline.kubeflow.programs.run_component`.
COMPONENT_COMMAND = ["python", "-m", "pipeline.kubeflow.programs.run_component"]


def compile_pipeline_spec(pipeline: Pipeline, image: str) -> PipelineSpec:
    """Return the pipeline spec of a pipeline, version 2.1, in the form of JSON.

    Args:
        pipeline: DAG of TFX components.
        image: Container image of every component.

    Raises:
        InputError: Kubeflow cannot run one of the components.
    """
    for node in pipeline.components:
        if isinstance(node, Resolver):
            raise InputError(
                f"component {node.id} is a Resolver. Kubeflow's open-source backend does not run "
                "it. Use an Importer in pipeline/dag.py."
            )
    config = KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=COMPONENT_COMMAND, use_pipeline_spec_2_1=True
    )
    try:
        job = KubeflowV2DagRunner(config).run(pipeline, write_out=False)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise InputError(f"Kubeflow cannot run this pipeline: {error}") from error
    spec: PipelineSpec = job["pipelineSpec"]
    return spec


def constant_parameters(spec: PipelineSpec) -> dict[tuple[str, str], Any]:
    """Return the constant parameters of all tasks: (task, parameter) -> text or number."""
    values = {}
    for task, body in spec["root"]["dag"]["tasks"].items():
        definitions = spec["components"][task].get("inputDefinitions", {}).get("parameters", {})
        for name, source in body.get("inputs", {}).get("parameters", {}).items():
            value = source["runtimeValue"]["constant"]
            # Every number in a spec is a float, but Kubeflow parses an integer parameter as an int.
            is_integer = definitions[name]["parameterType"] == "NUMBER_INTEGER"
            values[task, name] = int(value) if is_integer else value
    return values

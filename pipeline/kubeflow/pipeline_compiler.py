"""Compile the pipeline to a file for Kubeflow Pipelines."""

from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.pipeline import Pipeline

from pipeline.config.run_config import RunConfig
from pipeline.dag import PipelineInputs, create_pipeline
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.kubeflow.extra_tasks import add_extra_tasks
from pipeline.kubeflow.pipeline_spec import compile_pipeline_spec
from pipeline.kubeflow.task_resources import (
    kubernetes_platform_spec,
    set_task_policies,
    set_task_resources,
)
from trainer_module.training_options import BackboneOptions


def compile_pipeline(config: RunConfig, baseline: str | None, output: Path) -> None:
    """Write the compiled pipeline, a YAML file for `carryover submit` or Kubeflow's own upload.

    Args:
        config: Config of the runs; `config_check.check_pipeline_config` has accepted it.
        baseline: Default of the parameter `baseline_uri`. None compiles a pipeline without a
            baseline, for a first run.
        output: YAML file to write.

    Raises:
        InputError: Kubeflow cannot run one of the components.
    """
    image = str(config.kubeflow.image)
    spec = compile_pipeline_spec(_placeholder_pipeline(config, baseline), image)
    spec["defaultPipelineRoot"] = config.kubeflow.pipeline_root
    spec["root"]["inputDefinitions"] = {"parameters": _input_parameters(config, baseline)}
    add_extra_tasks(spec, config.model_dump_json(exclude={"kubeflow"}), image)
    set_task_resources(spec, config.kubeflow)
    set_task_policies(spec, config.kubeflow)
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())  # raises if it is not valid
    documents = [spec, kubernetes_platform_spec(spec, config.kubeflow)]
    with output.open("w", encoding="utf-8") as file:
        yaml.dump_all([one for one in documents if one], file, _NoAliasDumper, allow_unicode=True)


class _NoAliasDumper(yaml.SafeDumper):
    """Dumper that repeats values in place of YAML aliases, which not every parser supports."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _placeholder_pipeline(config: RunConfig, baseline: str | None) -> Pipeline:
    """Return the DAG without pictures: its components and the channels between them.

    The first task of every run computes all values in it again.
    """
    inputs = PipelineInputs(
        data_root=config.data,
        listing="",
        digest="",
        domains=(),
        known_domains=None,
        files=0,
        empty_classes=(),
        schema="",
        code=ComponentFingerprints(),
        run_id="",
        run_key="",
        baseline_uri=baseline,
        baseline_version=0,
    )
    # A file of backbone weights is in the image, not on this machine.
    return create_pipeline(config.model_copy(update={"backbone": BackboneOptions()}), inputs)


def _input_parameters(config: RunConfig, baseline: str | None) -> dict[str, Any]:
    """Return the parameters of a run, with their types and defaults."""
    values: dict[str, str | int] = {
        "data": config.data,
        "image_size": config.image_size,
        "seed": config.seed,
    }
    if baseline:
        values["baseline_uri"] = baseline
    return {
        name: {
            "parameterType": "STRING" if isinstance(value, str) else "NUMBER_INTEGER",
            "defaultValue": value,
            "isOptional": True,
        }
        for name, value in values.items()
    }

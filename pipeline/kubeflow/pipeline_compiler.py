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
from pipeline.kubeflow.extra_tasks import NEWEST, add_extra_tasks
from pipeline.kubeflow.pipeline_spec import compile_pipeline_spec
from pipeline.kubeflow.platform_spec import kubernetes_platform_spec
from pipeline.kubeflow.task_resources import set_task_policies, set_task_resources
from trainer_module.training_options import BackboneOptions


def compile_pipeline(
    config: RunConfig, baseline: str | None, output: Path, retrain: bool = False
) -> None:
    """Write the compiled pipeline, a YAML file for `carryover submit` or Kubeflow's own upload.

    Args:
        config: Config of the runs; `config_check.check_pipeline_config` has accepted it.
        baseline: Default of the parameter `baseline_uri`. None compiles a pipeline without a
            baseline, for a first run.
        output: YAML file to write.
        retrain: Whether a run is a pass over the inbox, whose baseline is the serving version.

    Raises:
        InputError: Kubeflow cannot run one of the components.
    """
    image, workspace = str(config.kubeflow.image), str(config.workspace)
    pipeline = placeholder_pipeline(config, NEWEST if retrain else baseline)
    spec, decision = compile_pipeline_spec(pipeline, image), None
    if retrain:
        pipeline = placeholder_pipeline(config, NEWEST, candidate=NEWEST)
        decision = compile_pipeline_spec(pipeline, image)
    spec["defaultPipelineRoot"] = config.kubeflow.pipeline_root
    inputs = _retraining_inputs(config) if retrain else _run_inputs(config, baseline)
    spec["root"]["inputDefinitions"] = {"parameters": _definitions(inputs)}
    settings = config.model_dump_json(exclude={"kubeflow"})
    add_extra_tasks(spec, settings, workspace, image, decision)
    set_task_resources(spec, config.kubeflow)
    set_task_policies(spec, config.kubeflow)
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())  # raises if it is not valid
    documents = [spec, kubernetes_platform_spec(spec, config.kubeflow)]
    with output.open("w", encoding="utf-8") as file:
        yaml.dump_all(documents, file, _NoAliasDumper, allow_unicode=True)


class _NoAliasDumper(yaml.SafeDumper):
    """Dumper that repeats values in place of YAML aliases, which not every parser supports."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def placeholder_pipeline(
    config: RunConfig, baseline: str | None, candidate: str | None = None
) -> Pipeline:
    """Return the DAG without pictures: its components and the channels between them.

    The first task of every run computes all values in it again.

    Args:
        config: Config of the runs.
        baseline: Any text if there is a baseline; None without one.
        candidate: Any text if the candidate is that of an earlier run; None to train.
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
        candidate_uri=candidate,
    )
    # A file of backbone weights is in the image, not on this machine.
    return create_pipeline(config.model_copy(update={"backbone": BackboneOptions()}), inputs)


def _run_inputs(config: RunConfig, baseline: str | None) -> dict[str, str | int]:
    """Return the parameters of a run over all pictures, with their defaults."""
    values: dict[str, str | int] = {
        "data": config.data,
        "image_size": config.image_size,
        "seed": config.seed,
    }
    return {**values, "baseline_uri": baseline} if baseline else values


def _retraining_inputs(config: RunConfig) -> dict[str, str | int]:
    """Return the parameters of a pass over the inbox, with their defaults."""
    return {"inbox": str(config.retrain.inbox), "seed": config.seed}


def _definitions(values: dict[str, str | int]) -> dict[str, Any]:
    """Return the definitions of the parameters of a run."""
    return {
        name: {
            "parameterType": "STRING" if isinstance(value, str) else "NUMBER_INTEGER",
            "defaultValue": value,
            "isOptional": True,
        }
        for name, value in values.items()
    }

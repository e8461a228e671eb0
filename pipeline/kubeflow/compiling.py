"""Compiles the pipeline for Kubeflow Pipelines."""

from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.pipeline import Pipeline

from pipeline.config.run_config import RunConfig
from pipeline.dag import Inputs, create_pipeline
from pipeline.kubeflow.extra_tasks import Spec, add_own_steps
from pipeline.kubeflow.task_resources import kubernetes_document, set_policies, set_resources
from pipeline.kubeflow.tfx_spec import compile_dag
from pipeline.running.identity import CodeFingerprints
from trainer_module.training_options import BackboneOptions


def compile_pipeline(config: RunConfig, baseline: str | None, output: Path) -> None:
    """Write the pipeline as a file that Kubeflow Pipelines takes.

    Args:
        config: of the runs, see `checking.check_config`.
        baseline: default of the parameter `baseline_uri`; None for a pipeline whose runs have no
            model to beat, as the first one.
        output: the YAML file.

    Raises:
        InputError: Kubeflow cannot run a component.
    """
    image = str(config.kubeflow.image)
    spec = compile_dag(_shape(config, baseline), image)
    spec["defaultPipelineRoot"] = config.kubeflow.pipeline_root
    spec["root"]["inputDefinitions"] = {"parameters": _parameters(config, baseline)}
    add_own_steps(spec, config.model_dump_json(exclude={"kubeflow"}), image)
    set_resources(spec, config.kubeflow)
    set_policies(spec, config.kubeflow)
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())  # a mistake of ours shows here
    documents = [spec, kubernetes_document(spec, config.kubeflow)]
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8") as file:
        yaml.dump_all([one for one in documents if one], file, _Plain, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """YAML without references from one place to another, which some readers do not follow."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _shape(config: RunConfig, baseline: str | None) -> Pipeline:
    """The DAG over no pictures: which components there are, and what they pass on.

    Every value in it is worked out anew by the first step of a run.
    """
    inputs = Inputs(
        data_root=config.data,
        listing="",
        digest="",
        domains=(),
        known_domains=None,
        files=0,
        empty_classes=(),
        schema="",
        code=CodeFingerprints("", "", "", "", "", ""),
        run_id="",
        run_key="",
        baseline_uri=baseline,
        baseline_version=0,
    )
    # A weights file is in the image, not here.
    return create_pipeline(config.model_copy(update={"backbone": BackboneOptions()}), inputs)


def _parameters(config: RunConfig, baseline: str | None) -> Spec:
    """The inputs of a run, with their types and defaults."""
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

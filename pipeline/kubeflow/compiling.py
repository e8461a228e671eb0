"""Compiles the pipeline for Kubeflow Pipelines."""

import re
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.pipeline import Pipeline

from components.image_example_gen.locations import is_uri
from pipeline.config import RunConfig
from pipeline.dag import Inputs, create_pipeline
from pipeline.identity import CodeFingerprints
from pipeline.kubeflow.own_steps import Spec, add_own_steps
from pipeline.kubeflow.platform import kubernetes_document, set_policies, set_resources
from pipeline.kubeflow.tfx_spec import compile_dag
from trainer_module.errors import InputError
from trainer_module.options import BackboneOptions

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


def compile_pipeline(config: RunConfig, baseline: str | None, output: Path) -> None:
    """Write the pipeline as a file that Kubeflow Pipelines takes.

    Args:
        config: of the runs.
        baseline: default of the parameter `baseline_uri`; None for a pipeline whose runs have no
            model to beat, as the first one.
        output: the YAML file.

    Raises:
        InputError: the config does not say all that Kubeflow needs, or Kubeflow cannot run a
            component.
    """
    check_config(config)
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


def check_config(config: RunConfig) -> None:
    """Refuse a config that a step in an empty container could not work with.

    Raises:
        InputError: it is one.
    """
    options = config.kubeflow
    for key in ("image", "pipeline_root"):
        if not getattr(options, key):
            raise InputError(
                f"config key 'kubeflow.{key}' is missing. Give --set kubeflow.{key}=..."
            )
    if not NAME.fullmatch(config.name):
        raise InputError(
            f"config key 'name': Kubeflow takes small letters, digits and dashes. "
            f"Received: {config.name}"
        )
    if config.beam.runner != "direct" and not config.beam.workers_have_code:
        raise InputError(
            f"beam.runner {config.beam.runner}: there is no setup.py in the image to send to the "
            "workers. Name an image that holds this package by beam.options.environment_config "
            "or sdk_container_image."
        )
    places = {"workspace": str(config.workspace), "data": config.data}
    places["kubeflow.pipeline_root"] = str(options.pipeline_root)
    for key, place in places.items():
        if not is_uri(place) and not _is_mounted(place, list(options.volumes.values())):
            raise InputError(
                f"config key '{key}': {place} is on none of kubeflow.volumes "
                f"({', '.join(options.volumes.values()) or 'there are none'}), so steps would not "
                "find it. Give an absolute path on one."
            )


def _is_mounted(place: str, mounts: list[str]) -> bool:
    return any(Path(place).is_relative_to(mount) for mount in mounts)


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

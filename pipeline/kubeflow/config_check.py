"""Check that a config holds what Kubeflow needs.

Imports neither TFX nor TensorFlow, so that a mistake is reported at once.
"""

import re
from pathlib import Path

from pipeline.config.path_check import check_encodable, check_no_pattern
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri
from trainer_module.contract.printable_names import printable_name

PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")

#: The operator appends the role and the number of a pod, and the result must be a host name.
JOB_NAME = re.compile(r"[a-z]([a-z0-9-]{0,46}[a-z0-9])?")


def check_pipeline_config(config: RunConfig, retrain: bool = False) -> None:
    """Check the config of a pipeline, each step of which runs in a new container.

    Args:
        config: Config to compile.
        retrain: Whether its runs are passes over the inbox: these read no `data`.

    Raises:
        InputError: A required key is missing, the name is not valid for Kubeflow, Beam's workers
            would lack our code, or a path is not on a volume.
    """
    _check_required(config, "image", "pipeline_root")
    if not PIPELINE_NAME.fullmatch(config.name):
        raise InputError(
            f"config key 'name': Kubeflow accepts small letters, digits and dashes. "
            f"Received: {config.name}"
        )
    _check_beam_workers(config)
    paths = {"kubeflow.pipeline_root": str(config.kubeflow.pipeline_root)}
    if not retrain:
        _check_paths(config, **paths, data=config.data)
        return
    if config.retrain.inbox is None:
        raise InputError(
            "config key 'retrain.inbox' is missing: a retraining takes its batches from there. "
            "Give --set retrain.inbox=DIR, a folder on a volume."
        )
    _check_paths(config, **paths, **{"retrain.inbox": str(config.retrain.inbox)})


def check_training_job_config(config: RunConfig) -> None:
    """Check the config of a training job, each process of which runs in a pod.

    Args:
        config: Config to compile.

    Raises:
        InputError: A required key is missing, the name is not valid for a job, Beam's workers
            would lack our code, or a path is not on a volume.
    """
    _check_required(config, "image")
    if not JOB_NAME.fullmatch(config.name):
        raise InputError(
            "config key 'name': a training job accepts up to 48 small letters, digits and dashes, "
            f"starting with a letter. Received: {config.name}"
        )
    _check_beam_workers(config)
    _check_paths(config, data=config.data)


def _check_required(config: RunConfig, *keys: str) -> None:
    for key in keys:
        if not getattr(config.kubeflow, key):
            raise InputError(
                f"config key 'kubeflow.{key}' is missing. Give --set kubeflow.{key}=..."
            )


def _check_beam_workers(config: RunConfig) -> None:
    if config.beam.runner != "direct" and not config.beam.workers_have_code:
        raise InputError(
            f"beam.runner {config.beam.runner}: the image has no setup.py that could be sent to "
            "the workers. Name an image that holds this package in "
            "beam.options.environment_config or sdk_container_image."
        )


def _check_characters(key: str, path: str) -> None:
    """Check that TensorFlow and Kubeflow take no part of a path for something else."""
    what, remedy = f"config key '{key}':", "Give another path."
    check_encodable(what, path, remedy)
    if key != "data":
        check_no_pattern(what, path, remedy)
    if "{{" in path:
        raise InputError(
            f"{what} {printable_name(path)}: its path holds {{{{ and Kubeflow takes it for a "
            f"placeholder. {remedy}"
        )


def _check_paths(config: RunConfig, **more: str) -> None:
    """Check that every path is on a volume; a URI needs none."""
    mounts = list(config.kubeflow.volumes.values())
    paths = {"workspace": str(config.workspace), **more}
    for key, path in paths.items():
        _check_characters(key, path)
        on_volume = any(Path(path).is_relative_to(mount) for mount in mounts)
        if not is_uri(path) and not on_volume:
            raise InputError(
                f"config key '{key}': {path} is not on a volume. Volumes (kubeflow.volumes): "
                f"{', '.join(mounts) or 'none'}. Give an absolute path on one of them."
            )

"""Whether a config says all that Kubeflow needs; asked before TFX is imported."""

import re
from pathlib import Path

from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError
from trainer_module.contract.locations import is_uri

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")

#: A host is called by it, with the name and the number of a role behind.
JOB_NAME = re.compile(r"[a-z]([a-z0-9-]{0,46}[a-z0-9])?")


def check_config(config: RunConfig) -> None:
    """Refuse a config that a step of a pipeline could not work with in an empty container.

    Raises:
        InputError: it is one.
    """
    _check_given(config, "image", "pipeline_root")
    if not NAME.fullmatch(config.name):
        raise InputError(
            f"config key 'name': Kubeflow takes small letters, digits and dashes. "
            f"Received: {config.name}"
        )
    _check_workers(config)
    _check_places(config, **{"kubeflow.pipeline_root": str(config.kubeflow.pipeline_root)})


def check_training_job(config: RunConfig) -> None:
    """Refuse a config that the pods of a training job could not work with.

    Raises:
        InputError: it is one.
    """
    _check_given(config, "image")
    if not JOB_NAME.fullmatch(config.name):
        raise InputError(
            "config key 'name': a training job takes up to 48 small letters, digits and dashes, a "
            f"letter first. Received: {config.name}"
        )
    _check_workers(config)
    _check_places(config)


def _check_given(config: RunConfig, *keys: str) -> None:
    for key in keys:
        if not getattr(config.kubeflow, key):
            raise InputError(
                f"config key 'kubeflow.{key}' is missing. Give --set kubeflow.{key}=..."
            )


def _check_workers(config: RunConfig) -> None:
    if config.beam.runner != "direct" and not config.beam.workers_have_code:
        raise InputError(
            f"beam.runner {config.beam.runner}: there is no setup.py in the image to send to the "
            "workers. Name an image that holds this package by beam.options.environment_config "
            "or sdk_container_image."
        )


def _check_places(config: RunConfig, **more: str) -> None:
    mounts = list(config.kubeflow.volumes.values())
    places = {"workspace": str(config.workspace), "data": config.data, **more}
    for key, place in places.items():
        on_volume = any(Path(place).is_relative_to(mount) for mount in mounts)
        if not is_uri(place) and not on_volume:
            raise InputError(
                f"config key '{key}': {place} is on none of kubeflow.volumes "
                f"({', '.join(mounts) or 'there are none'}), so nothing there would find it. Give "
                "an absolute path on one."
            )

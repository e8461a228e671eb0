"""Whether a config says all that Kubeflow needs; asked before TFX is imported."""

import re
from pathlib import Path

from components.image_example_gen.locations import is_uri
from pipeline.config import RunConfig
from trainer_module.errors import InputError

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


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

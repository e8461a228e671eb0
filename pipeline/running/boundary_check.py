"""Check of a block that the config names, before anything runs."""

import functools
import json
import subprocess
from typing import Any

from pipeline.config.run_config import RunConfig
from trainer_module.contract.child_process import isolated_python
from trainer_module.contract.errors import InputError
from trainer_module.contract.process_environment import environment_without_gpu
from trainer_module.training_options import Boundary

#: Program that prints the blocks of a backbone. It is a process of its own, because TensorFlow
#: cannot be configured any more once a model was built.
PROGRAM = """
import json
from trainer_module.backbones import build_backbone
name, size, scaling = sys.argv[1:]
print(json.dumps(build_backbone(name, None, int(size), scaling).blocks))
"""


def check_boundary(config: RunConfig) -> None:
    """Refuse a `trainable_from` that names no block of the backbone.

    A share needs no check. A name takes the seconds that TensorFlow needs to build the backbone.

    Args:
        config: Config of a run.

    Raises:
        InputError: The backbone has no such block.
    """
    if config.fine_tuning.epochs:
        _check_block("fine_tuning.trainable_from", config.fine_tuning.trainable_from, config)
    _check_block("retrain.trainable_from", config.retrain.trainable_from, config)


def _check_block(key: str, block: Boundary | None, config: RunConfig) -> None:
    if not isinstance(block, str):
        return
    name = config.backbone.name
    blocks = _blocks(name, config.image_size, config.backbone.scaling)
    if not blocks:
        return  # the Trainer, which has a log, will say what is wrong with TensorFlow
    if block not in blocks:
        raise InputError(
            f"config key '{key}': must be a share between 0 and 1, all, or a block "
            f"of {name}: {', '.join(blocks)}. Received: {json.dumps(block)}"
        )


@functools.cache
def _blocks(backbone: str, image_size: int, scaling: str) -> list[str]:
    """Return the names of the blocks of a backbone; none if TensorFlow fails."""
    blocks: list[str] | None = run_without_gpu(PROGRAM, backbone, str(image_size), scaling)
    return blocks or []


def run_without_gpu(program: str, *arguments: str) -> Any:
    """Return the JSON value that a Python program prints last; None if it fails.

    Args:
        program: Program, see `isolated_python`.
        *arguments: Its arguments.
    """
    command = [*isolated_python(program), *arguments]
    environment = environment_without_gpu({"TF_CPP_MIN_LOG_LEVEL": "3"})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode else json.loads(done.stdout.splitlines()[-1])

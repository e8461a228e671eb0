"""What this machine can do for training: device strategy, precision, memory."""

import logging
import os
from dataclasses import dataclass

import keras
import tensorflow as tf

from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.tf_config import read_cluster

logger = logging.getLogger("carryover.training")

#: NVIDIA compute capability from which tensor cores take bfloat16, and float16.
BFLOAT16_CAPABILITY = (8, 0)
FLOAT16_CAPABILITY = (7, 0)


@dataclass(frozen=True)
class Hardware:
    """How to train here.

    Attributes:
        strategy: MultiWorkerMirroredStrategy where `TF_CONFIG` names several workers,
            MirroredStrategy over several devices, else TensorFlow's default.
        precision: name of the Keras dtype policy that models are built under.
        description: for people.
        is_chief: whether this process is the one that writes the results.
        is_alone: whether no other process trains along.
    """

    strategy: tf.distribute.Strategy
    precision: str
    description: str
    is_chief: bool = True
    is_alone: bool = True


def set_up_hardware(precision: str = "auto") -> Hardware:
    """Use every GPU there is, without taking all of its memory at once.

    Args:
        precision: a Keras dtype policy, or `auto`: mixed bfloat16 or float16 on GPUs with tensor
            cores for it, float32 elsewhere.

    Raises:
        InputError: several workers would share a GPU, see `check_sharing`.
    """
    gpus = tf.config.list_physical_devices("GPU")
    check_sharing(len(gpus))
    for gpu in gpus:
        _grow_memory(gpu)
    # Workers find each other before TensorFlow starts any device.
    cluster = read_cluster()
    several = tf.distribute.MultiWorkerMirroredStrategy() if cluster.is_several else None
    devices = [device.name for device in tf.config.list_logical_devices("GPU")]
    if precision == "auto":
        precision = _precision_for(gpus)
    keras.config.set_dtype_policy(precision)
    strategy = several or strategy_for(devices)
    name = f"{len(devices)} GPU" if devices else "CPU"
    each = f"{len(cluster.addresses)} workers with {name} each" if several else name
    description = f"{each}, {precision}, {strategy.num_replicas_in_sync} replica(s)"
    logger.info("training on %s", description)
    return Hardware(strategy, precision, description, cluster.leads, not cluster.is_several)


def strategy_for(devices: list[str]) -> tf.distribute.Strategy:
    """MirroredStrategy for several devices, TensorFlow's default for one or none."""
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.get_strategy()


def check_sharing(gpus: int) -> None:
    """Refuse several workers on one host that all take the same GPUs.

    They would run out of its memory, or wait for each other at every step; and NCCL, which they
    talk through, takes one process per GPU.

    Args:
        gpus: that this process sees.

    Raises:
        InputError: another worker of `TF_CONFIG` is on this host, and nothing says which GPU is
            whose.
    """
    cluster = read_cluster()
    if gpus and "CUDA_VISIBLE_DEVICES" not in os.environ and cluster.on_own_host > 1:
        raise InputError(
            f"TF_CONFIG names {cluster.on_own_host} workers on {cluster.host}, "
            f"and each would take the same {gpus} GPU. Start one process per host, which uses all "
            "of its GPUs, or give each worker its own with CUDA_VISIBLE_DEVICES."
        )


def _grow_memory(gpu: tf.config.PhysicalDevice) -> None:
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        # TensorFlow has started this GPU already: the setting can no longer change.
        logger.info("%s is in use already, its memory setting stays", gpu.name)


def _precision_for(gpus: list[tf.config.PhysicalDevice]) -> str:
    if not gpus:
        return "float32"
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in gpus
    ]
    if min(capabilities) >= BFLOAT16_CAPABILITY:
        return "mixed_bfloat16"
    return "mixed_float16" if min(capabilities) >= FLOAT16_CAPABILITY else "float32"

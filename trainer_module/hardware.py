"""Devices of this machine for training: distribution strategy and precision."""

import logging
import os
from dataclasses import dataclass

import keras
import tensorflow as tf

from trainer_module.contract.errors import InputError
from trainer_module.contract.output_text.wording import counted
from trainer_module.multi_worker.tf_config import Cluster, read_cluster
from trainer_module.multi_worker.worker_group import ALONE, WorkerGroup, gather_through

logger = logging.getLogger("carryover.training")

#: Lowest NVIDIA compute capability with tensor cores for bfloat16, and for float16.
BFLOAT16_CAPABILITY = (8, 0)
FLOAT16_CAPABILITY = (7, 0)


@dataclass(frozen=True)
class Hardware:
    """Distribution strategy and precision of a training on this machine.

    Attributes:
        strategy: MultiWorkerMirroredStrategy if `TF_CONFIG` names several workers,
            MirroredStrategy for several devices, else TensorFlow's default strategy.
        precision: Name of the Keras dtype policy under which models are built.
        description: Devices, precision and number of replicas, for logs and reports.
        is_chief: Whether this process writes the results.
        workers: Workers of the training, of which this process is one.
        is_cpu: Whether no GPU takes part in the training.
    """

    strategy: tf.distribute.Strategy
    precision: str
    description: str
    is_chief: bool = True
    workers: WorkerGroup = ALONE
    is_cpu: bool = True

    @property
    def local_replicas(self) -> int:
        """Number of devices of this process that take part in the training."""
        return int(self.strategy.num_replicas_in_sync) // self.workers.count


def set_up_hardware(precision: str = "auto") -> Hardware:
    """Return a strategy over all GPUs, and set the dtype policy of Keras.

    The settings of the user's `keras.json` do not apply. How the memory of GPUs is taken is set for
    every process, see `contract.process_environment`.

    Args:
        precision: Name of a Keras dtype policy, or `auto`: mixed bfloat16 or float16 on GPUs with
            tensor cores for it, float32 on other devices.

    Raises:
        InputError: Several workers would share a GPU, see `check_gpu_sharing`.
    """
    _reset_keras_settings()
    gpus = tf.config.list_physical_devices("GPU")
    check_gpu_sharing(len(gpus))
    # This strategy must be created before TensorFlow initialises any device.
    cluster = read_cluster()
    multi_worker = tf.distribute.MultiWorkerMirroredStrategy() if cluster.is_distributed else None
    devices = [device.name for device in tf.config.list_logical_devices("GPU")]
    if precision == "auto":
        precision = _best_precision(gpus)
    keras.config.set_dtype_policy(precision)
    strategy = multi_worker or create_strategy(devices)
    name = f"{len(devices)} GPU" if devices else "CPU"
    each = f"{len(cluster.addresses)} workers with {name} each" if multi_worker else name
    replicas = counted(strategy.num_replicas_in_sync, "replica")
    description = f"{each}, {precision}, {replicas}"
    logger.info("training on %s", description)
    return Hardware(
        strategy,
        precision,
        description,
        is_chief=cluster.is_chief,
        workers=_create_group(cluster, strategy),
        is_cpu=not devices,
    )


def _create_group(cluster: Cluster, strategy: tf.distribute.Strategy) -> WorkerGroup:
    if not cluster.is_distributed:
        return ALONE
    count = len(cluster.addresses)
    return WorkerGroup(cluster.index, count, gather_through(strategy, count))


def _reset_keras_settings() -> None:
    """Set what `~/.keras/keras.json` may have changed to Keras's defaults.

    A result depends on the config of its run alone. Keras has read the file when it was imported.
    """
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)


def create_strategy(devices: list[str]) -> tf.distribute.Strategy:
    """Return MirroredStrategy for several devices, TensorFlow's default for one or none."""
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    return tf.distribute.get_strategy()


def check_gpu_sharing(gpus: int) -> None:
    """Refuse several workers on one host that use the same GPUs.

    They would run out of GPU memory, or wait for each other at every step. NCCL, through which
    they communicate, allows one process per GPU.

    Args:
        gpus: Number of GPUs that this process sees.

    Raises:
        InputError: Another worker of `TF_CONFIG` is on this host, and CUDA_VISIBLE_DEVICES does
            not say which GPUs each worker uses.
    """
    cluster = read_cluster()
    if gpus and "CUDA_VISIBLE_DEVICES" not in os.environ and cluster.processes_on_host > 1:
        raise InputError(
            f"TF_CONFIG names {cluster.processes_on_host} workers on {cluster.host}, "
            f"and each would take the same {gpus} GPU. Start one process per host, which uses all "
            "of its GPUs, or give each worker its own with CUDA_VISIBLE_DEVICES."
        )


def _best_precision(gpus: list[tf.config.PhysicalDevice]) -> str:
    if not gpus:
        return "float32"
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in gpus
    ]
    if min(capabilities) >= BFLOAT16_CAPABILITY:
        return "mixed_bfloat16"
    return "mixed_float16" if min(capabilities) >= FLOAT16_CAPABILITY else "float32"

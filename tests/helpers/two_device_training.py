"""Program that trains on two logical CPUs and prints a report as JSON.

Usage: a module of `warm_process`, with the folder for everything that the training writes, and the
`trainable_from` of the fine-tuning stage.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import tensorflow as tf
from trainer_fixtures import TUNING, fn_args

from trainer_module import hardware, training
from trainer_module.export.model_description import read_description

_set_up_hardware = training.set_up_hardware


def train(folder: Path, trainable_from: str) -> None:
    """Train `tiny_backbone` on both devices, and print the report of the training."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    args = fn_args(folder, {"fine_tuning": TUNING | {"trainable_from": trainable_from}})
    with mock.patch.object(training, "set_up_hardware", _two_cpus):
        training.run_fn(args)
    replicas = hardware.create_strategy(["/cpu:0", "/cpu:1"]).num_replicas_in_sync
    report = {"replicas": replicas, **read_description(args.serving_model_dir)["training"]}
    print(json.dumps(report))


def _two_cpus(precision: str) -> hardware.Hardware:
    on_cpu = _set_up_hardware(precision)
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    return replace(on_cpu, strategy=hardware.create_strategy(devices))


if __name__ == "__main__":
    train(Path(sys.argv[1]), sys.argv[2])

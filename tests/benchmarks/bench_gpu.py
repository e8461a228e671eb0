"""Measure whether the input pipeline keeps the device busy, in both stages of a training.

Both stages run as in the trainer, on synthetic transformed examples that are read from disk. Each
is compared with the same model and the same step on one batch that lies on the device. The exit
code is 1 if the frozen stage takes more than 1.25 times its bare forward pass. Without a GPU the
CPU is measured, and a message says so.

    python tests/benchmarks/bench_gpu.py [--pictures 8192] [--image-size 224] [--batch-size 32]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measured import ROOT

sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from rich import box
from rich.console import Console
from rich.table import Table

from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import (
    FORWARD_BATCH,
    add_views,
    extract_activations,
)
from trainer_module.classifier import Classifier, build_classifier
from trainer_module.contract import example_features
from trainer_module.data.transformed_examples import Pictures, read_pictures
from trainer_module.hardware import Hardware, set_up_hardware
from trainer_module.stages.fine_tuning_stage import (
    build_trained_part,
    create_epoch,
    freeze_boundary,
)
from trainer_module.stages.training_step import create_step
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import TrainingTask, create_task

#: Largest allowed duration of the frozen stage, as a multiple of its bare forward pass.
LIMIT = 1.25

CLASSES = ("a", "b", "c", "d")
DOMAINS = ("day", "night")

console = Console()


def main(pictures: int, image_size: int, batch_size: int) -> int:
    """Measure both stages, print them, and compare."""
    hardware = set_up_hardware()
    console.print(f"{describe_device()}: {hardware.description}", highlight=False)
    options = TrainingOptions.model_validate(
        {"image_size": image_size, "fine_tuning": {"batch_size": batch_size, "views": 2}}
    )
    with tempfile.TemporaryDirectory() as folder:
        files = write_pictures(Path(folder, "part-00000"), pictures, image_size)
        split = read_pictures([files], image_size)
        task = create_task(options, hardware, folder)
        with hardware.strategy.scope():
            classifier = build_classifier(options.backbone, image_size, CLASSES)
        boundary = freeze_boundary(classifier, options.fine_tuning.trainable_from)
        rows, activations = measure_frozen_stage(classifier, split, boundary, task)
        rows |= measure_fine_tuning_stage(classifier, activations, boundary, task)
    show(rows, f"{pictures:,} pictures at {image_size} px, {options.backbone.name}")
    ratio = rows["frozen: bare forward pass"] / rows["frozen: one pass from disk"]
    verdict = "holds " if ratio <= LIMIT else "missed"
    console.print(
        f"  {verdict} the frozen stage takes {ratio:.2f} times a forward pass, at most {LIMIT}"
    )
    return int(ratio > LIMIT)


def describe_device() -> str:
    """Name of the first GPU, or that there is none."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "No GPU found. These are measurements of the CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)


def write_pictures(path: Path, count: int, size: int) -> str:
    """Write transformed examples of noise; return their path."""
    rng = np.random.default_rng(1)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(count):
            pixels = rng.integers(0, 256, (size, size, 3), np.uint8)
            values = {
                example_features.IMAGE: tf.io.serialize_tensor(pixels).numpy(),
                example_features.IMAGE_ID: f"{number:08d}".encode(),
                example_features.DOMAIN: DOMAINS[number % len(DOMAINS)].encode(),
                example_features.LABEL: CLASSES[number % len(CLASSES)].encode(),
            }
            example = tf.train.Example()
            for name, value in values.items():
                example.features.feature[name].bytes_list.value.append(value)
            writer.write(example.SerializeToString())
    return str(path)


def measure_frozen_stage(
    classifier: Classifier, split: Pictures, boundary: str, task: TrainingTask
) -> tuple[dict[str, float], Activations]:
    """Return pictures per second of the passes over the pictures, and the activations."""
    model, hardware = classifier.backbone.model, task.hardware
    size = split.image_size
    batch = tf.random.uniform((FORWARD_BATCH, size, size, 3), 0, 255, seed=1)
    passes = -(-len(split) // FORWARD_BATCH)
    forward = seconds_of(lambda: tf.reduce_sum(model(batch, training=False)), passes, hardware)
    extract_activations([split], classifier, boundary, task)  # tracing, and the disk's cache
    start = time.perf_counter()
    [activations] = extract_activations([split], classifier, boundary, task)
    from_disk = time.perf_counter() - start
    start = time.perf_counter()
    activations = add_views(activations, split, classifier, boundary, task)
    view = time.perf_counter() - start
    return {
        "frozen: bare forward pass": passes * FORWARD_BATCH / forward,
        "frozen: one pass from disk": len(split) / from_disk,
        "fine-tuning: one random view, up to the boundary": len(split) / view,
    }, activations


def measure_fine_tuning_stage(
    classifier: Classifier, activations: Activations, boundary: str, task: TrainingTask
) -> dict[str, float]:
    """Return pictures per second of fine-tuning, and of the same step on one batch."""
    size = task.options.fine_tuning.batch_size
    steps = -(-len(activations) // size)
    trained_part = build_trained_part(classifier, boundary, task)
    step: Any = create_step(trained_part, classifier, boundary, len(DOMAINS), steps, task)
    batch = (
        tf.constant(activations.views[0][:size]),
        tf.zeros(size, tf.int32),
        tf.zeros(size, tf.int32),
    )
    seconds = seconds_of(lambda: step(*batch), steps, task.hardware)
    rows = {"fine-tuning: bare step": steps * size / seconds}
    if tf.config.list_physical_devices("GPU"):
        compiled = tf.function(step, jit_compile=True)
        seconds = seconds_of(lambda: compiled(*batch), steps, task.hardware)
        rows["fine-tuning: bare step with XLA"] = steps * size / seconds
    train_epoch = create_epoch(trained_part, classifier, boundary, activations, task)
    train_epoch()  # tracing
    start = time.perf_counter()
    train_epoch()
    return rows | {"fine-tuning: one epoch": len(activations) / (time.perf_counter() - start)}


def seconds_of(function: Callable[[], tf.Tensor], times: int, hardware: Hardware) -> float:
    """Return the seconds that a number of calls of a function in one graph take."""

    @tf.function
    def loop() -> tf.Tensor:
        total = tf.constant(0.0)
        for _ in tf.range(times):
            values = hardware.strategy.run(function)
            total += tf.cast(
                hardware.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None), tf.float32
            )
        return total

    float(loop())  # tracing
    start = time.perf_counter()
    float(loop())
    return time.perf_counter() - start


def show(rows: dict[str, float], title: str) -> None:
    """Print a table of pictures per second."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what")
    table.add_column("pictures per second", justify="right")
    for name, rate in rows.items():
        table.add_row(name, f"{rate:,.0f}")
    console.print(table, highlight=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=8192)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    sys.exit(main(**vars(parser.parse_args())))

"""Does the input keep the device busy? Stage 1 and stage 2 against data that are there already.

Both stages are run as the trainer runs them, on synthetic transformed examples that are read from
disk. Against each: the same model and the same step on one batch that lies on the device. Exits
with 1 when stage 1 takes more than 1.25 times its bare forward pass. Without a GPU it says so, and
measures the CPU.

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

from trainer_module.activations.activation_store import FeatureStore
from trainer_module.classifier import Classifier, build_classifier
from trainer_module.contract import example_features
from trainer_module.data.input_data import Pictures, read_pictures
from trainer_module.hardware import Hardware, set_up_hardware
from trainer_module.stages.fine_tuning_stage import build_tail, create_learner
from trainer_module.stages.stages import (
    FORWARD_BATCH,
    Features,
    Task,
    add_views,
    extract_features,
    freeze_boundary,
)
from trainer_module.stages.training_step import create_step
from trainer_module.training_options import TrainingOptions

#: Stage 1 may take this many times its forward pass.
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
        task = Task(options, hardware, folder, FeatureStore(folder))
        with hardware.strategy.scope():
            classifier = build_classifier(options.backbone, image_size, CLASSES)
        boundary = freeze_boundary(classifier, options.fine_tuning.trainable_from)
        rows, found = measure_stage_1(classifier, split, boundary, task)
        rows |= measure_stage_2(classifier, found, boundary, task)
    show(rows, f"{pictures:,} pictures at {image_size} px, {options.backbone.name}")
    ratio = rows["stage 1: bare forward pass"] / rows["stage 1: one pass from disk"]
    verdict = "holds " if ratio <= LIMIT else "missed"
    console.print(f"  {verdict} stage 1 takes {ratio:.2f} times a forward pass, at most {LIMIT}")
    return int(ratio > LIMIT)


def describe_device() -> str:
    """Name of the first GPU, or that there is none."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "NO GPU HERE. These are figures of the CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)


def write_pictures(path: Path, count: int, size: int) -> str:
    """Transformed examples of noise; returns their path."""
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


def measure_stage_1(
    classifier: Classifier, split: Pictures, boundary: str, task: Task
) -> tuple[dict[str, float], Features]:
    """Pictures per second of the feature passes, and the features."""
    model, hardware = classifier.backbone.model, task.hardware
    size = split.image_size
    batch = tf.random.uniform((FORWARD_BATCH, size, size, 3), 0, 255, seed=1)
    passes = -(-len(split) // FORWARD_BATCH)
    forward = repeated(lambda: tf.reduce_sum(model(batch, training=False)), passes, hardware)
    extract_features(split, classifier, boundary, task)  # tracing, and the disk's cache
    start = time.perf_counter()
    found = extract_features(split, classifier, boundary, task)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    found = add_views(found, split, classifier, boundary, task)
    view = time.perf_counter() - start
    return {
        "stage 1: bare forward pass": passes * FORWARD_BATCH / forward,
        "stage 1: one pass from disk": len(split) / ours,
        "stage 2: one random view, below the boundary": len(split) / view,
    }, found


def measure_stage_2(
    classifier: Classifier, found: Features, boundary: str, task: Task
) -> dict[str, float]:
    """Pictures per second of fine-tuning, and of the same step on one batch."""
    size = task.options.fine_tuning.batch_size
    steps = -(-len(found) // size)
    tail = build_tail(classifier, boundary, task)
    step: Any = create_step(tail, classifier, len(DOMAINS), steps, task)
    batch = (
        tf.constant(found.views[0][:size]),
        tf.zeros(size, tf.int32),
        tf.ones(size),
        tf.zeros(size, tf.int32),
    )
    rows = {
        "stage 2: bare step": steps * size / repeated(lambda: step(*batch), steps, task.hardware)
    }
    if tf.config.list_physical_devices("GPU"):
        compiled = tf.function(step, jit_compile=True)
        seconds = repeated(lambda: compiled(*batch), steps, task.hardware)
        rows["stage 2: bare step with XLA"] = steps * size / seconds
    learn = create_learner(tail, classifier, found, task)
    learn()  # tracing
    start = time.perf_counter()
    learn()
    return rows | {"stage 2: one epoch": len(found) / (time.perf_counter() - start)}


def repeated(function: Callable[[], tf.Tensor], times: int, hardware: Hardware) -> float:
    """Seconds that a function takes, called a number of times in one graph."""

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
    """Print pictures per second."""
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

"""How many pictures per second does each family of backbones take, frozen and fine-tuned?

    python tests/benchmarks/bench_backbones.py [--rounds 2] [--batch-size 8] [NAME]...

A name is one of `hub_architectures` or of `backbone_names()`. Weights are random. The backbones are
measured in turn, as often as there are rounds, and the best round counts. Seconds are those that
the processor spends on this process, over its number of cores, so that the time of other processes
does not count. They still share caches and memory with it.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from measured import ROOT

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "tests" / "helpers"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from hub_architectures import ARCHITECTURES, SIZE
from tiny_presets import save_network
from training_steps import training_step

from trainer_module.classifier import build_classifier
from trainer_module.hardware import set_up_hardware
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import create_task

#: Backbones that are not of keras-hub, for comparison.
OTHERS = ("efficientnet_lite0", "MobileNetV3Small", "EfficientNetB0", "ConvNeXtTiny")

#: Steps of the training whose first ones are timed.
STEPS = 100


class Speed(NamedTuple):
    """Parameters of a backbone, and pictures per second."""

    parameters: int
    frozen: float
    fine_tuned: float


def measure(name: str, batch_size: int, folder: str) -> Speed:
    """Build a backbone, and time a forward pass and a training step above the boundary."""
    keras.backend.clear_session()
    known = f"hub:{Path(folder, name)}" if name in ARCHITECTURES else name
    if known != name and not Path(folder, name).exists():
        save_network(ARCHITECTURES[name](), Path(folder, name), SIZE)
    backbone = {"name": known, "weights": "none"}
    options = TrainingOptions.model_validate(
        {"image_size": SIZE, "backbone": backbone, "fine_tuning": {"batch_size": batch_size}}
    )
    task = create_task(options, set_up_hardware(), folder)
    classifier = build_classifier(options.backbone, SIZE, ("a", "b", "c", "d"))
    model = classifier.backbone.model
    forward = tf.function(lambda pixels: model(pixels, training=False))
    pixels = tf.random.uniform((batch_size, SIZE, SIZE, 3), 0, 255, seed=1)
    return Speed(
        model.count_params(),
        batch_size / seconds_of(lambda: forward(pixels)),
        batch_size / seconds_of(tf.function(training_step(classifier, task, STEPS))),
    )


def seconds_of(function: Any, times: int = 2) -> float:
    """Return the processor's seconds of one call, over the number of its cores."""
    function()  # tracing
    start = time.process_time()
    for _ in range(times):
        function()
    return (time.process_time() - start) / times / (os.cpu_count() or 1)


def main(names: list[str], rounds: int, batch_size: int) -> None:
    """Measure the backbones in turn, and print a row of a table for each."""
    found: dict[str, list[Speed]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="bench-backbones-") as folder:
        for number in range(rounds):
            for name in names:
                found[name].append(measure(name, batch_size, folder))
                print(f"round {number + 1}: {name} {found[name][-1]}", flush=True)
    print("| backbone | parameters | frozen, pictures/s | fine-tuned, pictures/s |")
    print("|---|---|---|---|")
    for name, speeds in found.items():
        frozen, tuned = (max(getattr(one, key) for one in speeds) for key in Speed._fields[1:])
        millions = speeds[0].parameters / 1e6
        print(f"| `{name}` | {millions:.1f} M | {frozen:.1f} | {tuned:.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[*ARCHITECTURES, *OTHERS])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=8)
    main(**vars(parser.parse_args()))

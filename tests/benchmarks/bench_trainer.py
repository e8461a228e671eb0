"""Where do the seconds of a training go, and what accuracy do they buy?

One `carryover run` gives the share of every component and stage. Then its pictures are trained on
again, once per seed and choice: all choices of a seed start from the same frozen stage, and are
compared on the eval split, with their curve and the seconds of the whole fine-tuning stage. Last,
every backbone is timed: a training step above the boundary, and the pictures of a frozen pass.

    python tests/benchmarks/bench_trainer.py --data PACS [--image-size 128] [--seeds 17,18,19]
        [--choice KEY=VALUE,KEY=VALUE]... [--backbones NAME,NAME] [--output RESULTS.json]

A choice is a list of options of `fine_tuning`, such as `epochs=5,views=2`; the empty one is the
default, which is always measured. `--workspace` uses the run of a workspace instead of a new one.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from measured import ROOT

sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
import yaml
from bench_gpu import seconds_of
from bench_retrain import CARRYOVER, timed
from rich import box
from rich.console import Console
from rich.table import Table
from training_steps import training_step

from pipeline import component_ids
from pipeline.summary.run_outputs import read_outputs
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.activations.activations import Activations
from trainer_module.activations.extraction import FORWARD_BATCH, add_views, extract_activations
from trainer_module.classifier import build_classifier
from trainer_module.data.transformed_examples import Pictures, read_pictures
from trainer_module.hardware import Hardware, set_up_hardware
from trainer_module.stages.fine_tuning_stage import (
    fine_tune,
    freeze_boundary,
)
from trainer_module.stages.frozen_stage import train_frozen
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import TrainingTask, create_task

#: Steps that are timed for every backbone.
STEPS = 20

#: Results of one choice with one seed.
Result = dict[str, Any]

console = Console()


def main(
    data: Path | None,
    workspace: Path | None,
    image_size: int,
    seeds: list[int],
    choices: list[str],
    backbones: list[str],
    output: Path | None,
) -> int:
    """Measure the run, the choices and the backbones, and print them."""
    with tempfile.TemporaryDirectory(prefix="bench-trainer-") as folder:
        where = workspace or train(data, Path(folder), image_size)
        run = newest_run(where)
        shares = show_shares(run)
        hardware = set_up_hardware()
        results: dict[str, list[Result]] = {}
        for seed in seeds:
            start = FrozenStart(where, run, image_size, seed, hardware, folder)
            for choice in dict.fromkeys(["", *choices]):
                result = start.measure(choice)
                say(f"seed {seed}, {choice or 'default'}: {describe(result)}")
                results.setdefault(choice or "default", []).append(result)
        show_choices(results)
        steps = {name: time_backbone(name, image_size, hardware, folder) for name in backbones}
        show_backbones(steps, image_size)
    if output:
        found = {"shares": shares, "choices": results, "backbones": steps}
        output.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def say(text: str) -> None:
    """Print a line, as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def train(data: Path | None, folder: Path, image_size: int) -> Path:
    """Return the workspace of a run with the defaults."""
    if data is None:
        sys.exit("give --data or --workspace")
    workspace = folder / "workspace"
    settings = [f"--set=image_size={image_size}", "--set=gate.min_accuracy=0"]
    timed([*CARRYOVER, "run", "--data", data.resolve(), "--workspace", workspace, *settings])
    return workspace


def newest_run(workspace: Path) -> Path:
    """Return the folder of the newest run of a workspace."""
    return max((workspace / "runs").glob("*/summary.json")).parent


def show_shares(run: Path) -> dict[str, float]:
    """Print and return the seconds of every component, stage and the rest of a run."""
    summary = Summary.model_validate_json((run / "summary.json").read_text())
    seconds = dict(summary.seconds)
    total = seconds.pop("total")
    seconds["everything else"] = total - sum(seconds.values())
    found = {name: getattr(summary.stages, name) for name in ("frozen", "fine_tuned")}
    stages = {f"  stage {name}": stage.seconds for name, stage in found.items() if stage}
    table = Table(title=f"A run: {total:.0f} s", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("part")
    table.add_column("seconds", justify="right")
    table.add_column("share", justify="right")
    for name, value in (seconds | stages).items():
        table.add_row(name, f"{value:.1f}", f"{value / total:.0%}")
    console.print(table, highlight=False)
    return seconds | stages | {"total": total}


class FrozenStart:
    """The frozen stage of one seed, from which every choice continues."""

    def __init__(
        self,
        workspace: Path,
        run: Path,
        image_size: int,
        seed: int,
        hardware: Hardware,
        folder: str,
    ) -> None:
        self._folder = folder
        self._hardware = hardware
        config = yaml.safe_load((run / "config.yaml").read_text())
        keys = set(TrainingOptions.model_fields)
        self._options = {key: value for key, value in config.items() if key in keys}
        self._options |= {"image_size": image_size, "seed": seed}
        outputs = read_outputs(run)[component_ids.TRANSFORM]
        examples = Workspace(workspace.resolve()).artifact(outputs["transformed_examples"])
        self._train = read_split(examples, "train", image_size)
        self._evaluation = read_split(examples, "eval", image_size)
        keras.utils.set_random_seed(seed)
        labels = tuple(sorted({*self._train.labels, *self._evaluation.labels}))
        task = self._task({})
        with hardware.strategy.scope():
            self._classifier = build_classifier(task.options.backbone, image_size, labels)
        self._pretrained = self._classifier.get_weights()
        self._frozen: dict[str, tuple[Activations, Activations, list[Any]]] = {}

    def measure(self, text: str) -> Result:
        """Return accuracy and seconds of fine-tuning with one choice of options."""
        task = self._task(yaml.safe_load("{" + text.replace("=", ": ") + "}"))
        tuning = task.options.fine_tuning
        boundary = freeze_boundary(self._classifier, tuning.trainable_from)
        train, evaluation, weights = self._frozen_stage(boundary, task)
        keras.utils.set_random_seed(task.options.seed)
        self._classifier.set_weights(weights)
        start = time.perf_counter()
        with_views = add_views(train, self._train, self._classifier, boundary, task)
        tuned = fine_tune(self._classifier, boundary, with_views, evaluation, task, start)
        return {
            "eval": tuned.score.mean_domain_accuracy,
            "worst": min(tuned.score.domain_accuracy.values()),
            "seconds": tuned.seconds,
            "curve": [round(epoch["eval"], 4) for epoch in tuned.details["curve"]],
        }

    def _frozen_stage(
        self, boundary: str, task: TrainingTask
    ) -> tuple[Activations, Activations, list[Any]]:
        """Return activations and weights after the frozen stage; it is trained once."""
        if boundary not in self._frozen:
            start = time.perf_counter()
            self._classifier.set_weights(self._pretrained)
            train, evaluation = extract_activations(
                (self._train, self._evaluation), self._classifier, boundary, task
            )
            train_frozen(self._classifier, train, evaluation, task, start)
            self._frozen[boundary] = (train, evaluation, self._classifier.get_weights())
        return self._frozen[boundary]

    def _task(self, choice: dict[str, Any]) -> TrainingTask:
        tuning = self._options["fine_tuning"] | choice
        options = TrainingOptions.model_validate(self._options | {"fine_tuning": tuning})
        return create_task(options, self._hardware, tempfile.mkdtemp(dir=self._folder))


def read_split(examples: Path, split: str, image_size: int) -> Pictures:
    """Return the transformed pictures of a split."""
    return read_pictures([f"{examples}/Split-{split}/*"], image_size)


def describe(result: Result) -> str:
    """Return the numbers of a result, and its curve."""
    curve = " ".join(f"{value:.3f}" for value in result["curve"])
    numbers = f"eval {result['eval']:.3f}, worst {result['worst']:.3f}, {result['seconds']:.0f} s"
    return f"{numbers}, epochs: {curve}"


def show_choices(results: dict[str, list[Result]]) -> None:
    """Print the means over the seeds; seconds also as a share of those of the default."""
    table = Table(title="Fine-tuning", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("fine_tuning")
    for name in ("eval", "spread", "worst domain", "seconds", "of the default"):
        table.add_column(name, justify="right", no_wrap=True)
    usual = mean(row["seconds"] for row in results["default"])
    for name, rows in results.items():
        scores = [row["eval"] for row in rows]
        seconds = mean(row["seconds"] for row in rows)
        table.add_row(
            name,
            f"{mean(scores):.4f}",
            f"{stdev(scores):.4f}" if len(scores) > 1 else "",
            f"{mean(row['worst'] for row in rows):.3f}",
            f"{seconds:.0f}",
            f"{seconds / usual:.2f}",
        )
    console.print(table, highlight=False)


def time_backbone(name: str, image_size: int, hardware: Hardware, folder: str) -> dict[str, float]:
    """Return the times of a backbone with random weights.

    They are pictures per second of a forward pass (`frozen`), milliseconds of a training step above
    the boundary (`step`), and pictures per second of these steps (`trained`).
    """
    backbone = {"name": name, "weights": "none"}
    options = TrainingOptions.model_validate({"image_size": image_size, "backbone": backbone})
    task = create_task(options, hardware, folder)
    with hardware.strategy.scope():
        classifier = build_classifier(options.backbone, image_size, ("a", "b", "c", "d"))
    model, shape = classifier.backbone.model, (image_size, image_size, 3)
    pixels = tf.random.uniform((FORWARD_BATCH, *shape), 0, 255, seed=1)
    forward = seconds_of(lambda: tf.reduce_sum(model(pixels, training=False)), 2, hardware)
    step = seconds_of(training_step(classifier, task, STEPS), STEPS, hardware) / STEPS
    return {
        "frozen": 2 * FORWARD_BATCH / forward,
        "step": 1000 * step,
        "trained": options.fine_tuning.batch_size / step,
    }


def show_backbones(times: dict[str, dict[str, float]], image_size: int) -> None:
    """Print the times of the backbones."""
    title = f"Backbones at {image_size} px, trained above the default boundary"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("backbone")
    for column in ("frozen, pictures/s", "step, ms", "trained, pictures/s"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, row in times.items():
        table.add_row(name, f"{row['frozen']:.0f}", f"{row['step']:.0f}", f"{row['trained']:.0f}")
    console.print(table, highlight=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--seeds", default="17,18,19")
    parser.add_argument("--choice", action="append", default=[], dest="choices")
    parser.add_argument("--backbones", default="efficientnet_lite0,efficientnet_lite2,ResNet50")
    parser.add_argument("--output", type=Path)
    given = vars(parser.parse_args())
    numbers = [int(seed) for seed in given.pop("seeds").split(",")]
    names = [name for name in given.pop("backbones").split(",") if name]
    sys.exit(main(**given, seeds=numbers, backbones=names))

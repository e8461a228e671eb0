"""Calls the `carryover` command as a user does, on a small data set of drawn shapes."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import warm_process
from PIL import Image, ImageDraw

SIZE = 48

#: Class -> colour of its shapes. A backbone without pretrained weights tells colours apart at once.
INKS = {"circle": (200, 40, 40), "square": (40, 170, 40), "cross": (60, 60, 220)}
SHAPES = tuple(INKS)

#: Settings under which a run takes seconds, not minutes. Processes of `warm_process` and
#: `with_tiny_backbone` can build this backbone; `make run` and one test of test_run.py train the
#: default one.
QUICK = {
    "backbone.name": "tiny",
    "backbone.weights": "none",
    "image_size": 64,
    "frozen.epochs": 15,
    "frozen.batch_size": 16,
    "frozen.learning_rate": 0.01,
    "fine_tuning.epochs": 2,
    "fine_tuning.views": 1,
    "fine_tuning.trainable_from": 0.9,  # tracing the gradients of more blocks takes 10 s
    "retrain.trainable_from": 0.9,
    "gate.min_accuracy": 0,
}


#: Settings of a run in a process that cannot build the small backbone.
DEFAULT_BACKBONE = {"backbone.name": "efficientnet_lite0", "backbone.weights": "imagenet"}


def carryover(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        return warm_process.run("pipeline.cli", list(arguments), Path(scratch))


def run_arguments(data: Path, workspace: Path, **settings: Any) -> list[str]:
    """Arguments of a quick `carryover run`; settings have __ for the dot in a key."""
    named = {key.replace("__", "."): value for key, value in settings.items()}
    pairs = (f"{key}={value}" for key, value in (QUICK | named).items())
    return [
        *("run", "--data", str(data), "--workspace", str(workspace)),
        *(part for pair in pairs for part in ("--set", pair)),
    ]


def newest_summary(workspace: Path) -> dict[str, Any]:
    """The summary of the last run."""
    return json.loads(max((workspace / "runs").glob("*/summary.json")).read_text())


def draw_pictures(data: Path, per_class: int = 14) -> Path:
    """Draw shapes in two domains, on a light and a dark ground, and noise whose labels say nothing.

    Returns:
        The data folder.
    """
    rng = np.random.default_rng(1)
    for domain, ground in {"paper": 230, "blackboard": 30}.items():
        for shape in SHAPES:
            for number in range(per_class):
                save(data / domain / shape / f"{number:02d}.png", drawn(shape, ground, rng))
    for shape in SHAPES:
        for number in range(per_class):
            noise = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            save(data / "noise" / shape / f"{number:02d}.png", Image.fromarray(noise))
    return data


def drawn(shape: str, ground: int, rng: np.random.Generator) -> Image.Image:
    """Draw one shape of random position and size on a grey ground."""
    image = Image.new("RGB", (SIZE, SIZE), (ground,) * 3)
    radius = int(rng.integers(10, 18))
    x, y = (int(value) for value in rng.integers(radius + 1, SIZE - radius - 1, 2))
    box = (x - radius, y - radius, x + radius, y + radius)
    pen, ink = ImageDraw.Draw(image), INKS[shape]
    if shape == "circle":
        pen.ellipse(box, fill=ink)
    elif shape == "square":
        pen.rectangle(box, fill=ink)
    else:
        pen.line((box[0], y, box[2], y), fill=ink, width=5)
        pen.line((x, box[1], x, box[3]), fill=ink, width=5)
    return image


def save(path: Path, image: Image.Image) -> None:
    """Write a picture, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)

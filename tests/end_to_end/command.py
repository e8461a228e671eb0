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
SHAPES = ("circle", "square", "cross")

#: Settings under which a run takes seconds, not minutes.
QUICK = {
    "image_size": 64,
    "frozen.epochs": 15,
    "frozen.batch_size": 16,
    "frozen.learning_rate": 0.01,
    "fine_tuning.epochs": 2,
    "fine_tuning.views": 1,
    "fine_tuning.trainable_from": 0.9,  # tracing the gradients of more blocks takes 10 s
    "gate.min_accuracy": 0,
}


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
    """Shapes in two domains, dark on light and light on dark, and one of which labels say nothing.

    Returns:
        The data folder.
    """
    rng = np.random.default_rng(1)
    for domain, (ground, ink) in {"paper": (230, 40), "blackboard": (30, 220)}.items():
        for shape in SHAPES:
            for number in range(per_class):
                save(data / domain / shape / f"{number:02d}.png", drawn(shape, ground, ink, rng))
    for shape in SHAPES:
        for number in range(per_class):
            noise = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            save(data / "noise" / shape / f"{number:02d}.png", Image.fromarray(noise))
    return data


def drawn(shape: str, ground: int, ink: int, rng: np.random.Generator) -> Image.Image:
    """One shape at a random place and size."""
    image = Image.new("RGB", (SIZE, SIZE), (ground,) * 3)
    radius = int(rng.integers(10, 18))
    x, y = (int(value) for value in rng.integers(radius + 1, SIZE - radius - 1, 2))
    box = (x - radius, y - radius, x + radius, y + radius)
    pen = ImageDraw.Draw(image)
    if shape == "circle":
        pen.ellipse(box, fill=(ink,) * 3)
    elif shape == "square":
        pen.rectangle(box, fill=(ink,) * 3)
    else:
        pen.line((box[0], y, box[2], y), fill=(ink,) * 3, width=5)
        pen.line((x, box[1], x, box[3]), fill=(ink,) * 3, width=5)
    return image


def save(path: Path, image: Image.Image) -> None:
    """Write a picture, with the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)

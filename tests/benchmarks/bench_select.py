"""Compare the pictures that `carryover select` chooses with as many that are drawn at random.

The serving model was trained on three domains of PACS; of the fourth, pictures are unlabelled.
Those that `select` chooses get their labels and arrive as a batch, and so do pictures that are
drawn at random. `carryover retrain` trains on either. What is compared is the accuracy on pictures
of the new domain that were in neither, as the mean of several draws. Exits with 1 when the limit is
missed.

    python tests/benchmarks/bench_select.py --data PACS [--new sketch] [--image-size 128]
        [--per-class 10] [--draws 5] [--base WORKSPACE] [--output RESULTS.json]
"""

import argparse
import csv
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench_retrain import CARRYOVER, timed
from rich import box
from rich.console import Console
from rich.table import Table
from score_model import newest_model, score

from components.image_example_gen.splits import digest

#: Limit: gain of accuracy over pictures at random, mean over the draws.
MIN_GAIN = 0.02

#: Share of the new domain's pictures that nobody trains on: 1,179 of the 2,741 sketches. They are
#: drawn at random, because `retrain` divides a batch by a hash.
HELD_OUT = 0.43

METHODS = ("select", "random")

console = Console()


def main(
    data: Path,
    new: str,
    image_size: int,
    per_class: int,
    draws: int,
    base: Path | None,
    output: Path | None,
) -> int:
    """Measure all draws, print them, and compare their mean with the limit."""
    with tempfile.TemporaryDirectory(prefix="bench-select-") as folder:
        bench = Bench(data.resolve(), new, image_size, Path(folder))
        bench.prepare(base)
        before = bench.score(bench.base)
        results: dict[str, list[float]] = {method: [] for method in METHODS}
        for draw in range(draws):
            for method in METHODS:
                accuracy = bench.measure(method, per_class * bench.num_classes, draw)
                results[method].append(accuracy)
                console.print(f"draw {draw + 1}, {method}: {accuracy:.3f}", highlight=False)
    gain = float(np.mean(results["select"]) - np.mean(results["random"]))
    show(f"{per_class} pictures of {new} per class in the mean", before, results)
    holds = gain >= MIN_GAIN
    text = f"select gains {gain:.3f} over random, at least {MIN_GAIN}"
    console.print(f"  {'holds ' if holds else 'missed'} {text}", highlight=False)
    if output:
        found = {"before": before, "results": results, "limits": {text: holds}}
        output.write_text(json.dumps(found, indent=1) + "\n")
    return int(not holds)


class Bench:
    """The folders and commands of one measurement."""

    def __init__(self, data: Path, new: str, image_size: int, folder: Path) -> None:
        self._data = data
        self._new = new
        self._folder = folder
        self._settings = [f"image_size={image_size}", "gate.min_accuracy=0", "gate.max_drop=1"]
        paths = sorted((data / new).glob("*/*"))
        is_held_out = np.random.default_rng(2611).random(len(paths)) < HELD_OUT
        self._pool = [path for path, one in zip(paths, is_held_out, strict=True) if not one]
        self._held_out = [path for path, one in zip(paths, is_held_out, strict=True) if one]
        self.base = folder / "base"

    @property
    def num_classes(self) -> int:
        """Number of classes of the new domain."""
        return len({path.parent.name for path in self._pool})

    def prepare(self, base: Path | None) -> None:
        """Make the serving model on the other domains, and the folder of unlabelled pictures."""
        for path in self._pool:
            # The name of the class is no part of a path, so that nothing can be learnt from it.
            link = self._folder / "pool" / self._new / "_unlabelled" / _plain_name(path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        if base:
            self.base = base.resolve()
            return
        for path in self._data.iterdir():
            if path.is_dir() and path.name != self._new:
                (self._folder / "old").mkdir(exist_ok=True)
                (self._folder / "old" / path.name).symlink_to(path)
        self._run("run", "--data", self._folder / "old", "--workspace", self.base, *self._set())

    def measure(self, method: str, count: int, draw: int) -> float:
        """Return the accuracy after a retraining on some pictures.

        Args:
            method: One of `METHODS`.
            count: Number of pictures.
            draw: Seed of the choice.
        """
        here = self._folder / f"{method}-{draw}"
        chosen = self._select(here, count, draw) if method == "select" else self._draw(count, draw)
        for path in chosen:
            target = here / "inbox" / "batch" / self._new / path.parent.name
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)
        (here / "inbox" / "batch" / "_READY").touch()
        shutil.copytree(self.base, here / "workspace", symlinks=True)
        arguments = ["--workspace", here / "workspace", "--inbox", here / "inbox"]
        self._run("retrain", *arguments, *self._set("retrain.good_enough=1"))
        accuracy = self.score(here / "workspace")
        shutil.rmtree(here)
        return accuracy

    def score(self, workspace: Path) -> float:
        """Return the accuracy of the newest model of a workspace on the pictures held out."""
        return score(newest_model(workspace), self._held_out)

    def _select(self, here: Path, count: int, draw: int) -> list[Path]:
        output = here / "to-label"
        arguments = ["--workspace", self.base, "--data", self._folder / "pool"]
        arguments += ["--count", count, "--seed", draw, "--output", output]
        self._run("select", *arguments)
        by_name = {_plain_name(path): path for path in self._pool}
        with (output / "selection.csv").open(newline="", encoding="utf-8") as file:
            return [by_name[Path(row["original"]).name] for row in csv.DictReader(file)]

    def _draw(self, count: int, draw: int) -> list[Path]:
        rows = np.random.default_rng(draw).permutation(len(self._pool))[:count]
        return [self._pool[row] for row in sorted(rows.tolist())]

    def _run(self, command: str, *arguments: object) -> None:
        timed([*CARRYOVER, command, *arguments])

    def _set(self, *settings: str) -> list[str]:
        return [part for pair in (*self._settings, *settings) for part in ("--set", pair)]


def _plain_name(path: Path) -> str:
    """Return a name of a picture that is unique in its domain, and does not tell the class."""
    return f"{digest(str(path).encode()).hex()}{path.suffix}"


def show(title: str, before: float, results: dict[str, list[float]]) -> None:
    """Print the accuracies of all draws, and their means."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("accuracy of pictures held out")
    for name in results:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("before", *(f"{before:.3f}" for _ in results))
    for draw, values in enumerate(zip(*results.values(), strict=True), start=1):
        table.add_row(f"draw {draw}", *(f"{value:.3f}" for value in values))
    table.add_section()
    table.add_row("mean", *(f"{np.mean(values):.3f}" for values in results.values()))
    console.print(table, highlight=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--new", default="sketch")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--per-class", type=int, default=10)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--output", type=Path)
    sys.exit(main(**vars(parser.parse_args())))

"""Compare retraining on a new domain with training on everything, and without replay.

The serving model was trained on three domains of PACS; the fourth arrives as a batch, with 5, 20,
100 and all labelled pictures per class. `carryover retrain` is compared with (a) `carryover run` on
all pictures and (b) fine-tuning of the serving model on the new domain alone. All models are scored
on the same test pictures of every domain. Exits with 1 when a limit is missed.

    python tests/benchmarks/bench_retrain.py --data PACS [--new sketch] [--image-size 128]
        [--per-class 5,20,100,all] [--output RESULTS.json]
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measured import ROOT
from rich import box
from rich.console import Console
from rich.table import Table

#: Limits. With all pictures: share of (a)'s mean accuracy, share of its seconds, and loss of
#: accuracy of a known domain. With 20 pictures per class: gain of accuracy of the new domain.
SHARE_OF_ACCURACY = 0.97
SHARE_OF_SECONDS = 0.5
MAX_LOSS = 0.015
MIN_GAIN_OF_20 = 0.2

CARRYOVER = [sys.executable, "-m", "pipeline.cli"]

#: Exit codes of commands that made a model; rejected candidates are measured, too.
EXIT_CODES = (0, 3)

#: Accuracy by domain, and seconds.
Result = dict[str, Any]

console = Console()


def main(data: Path, new: str, image_size: int, per_class: list[str], output: Path | None) -> int:
    """Measure and print every size of batch, and compare the results with the limits."""
    with tempfile.TemporaryDirectory(prefix="bench-retrain-") as folder:
        bench = Bench(data.resolve(), new, image_size, Path(folder))
        baseline = bench.train_baseline()
        results = {}
        for size in per_class:
            results[size] = bench.measure(size)
            show(f"{size} pictures of {new} per class", baseline, results[size], new)
    limits = check_limits(baseline, results, new)
    for text, holds in limits.items():
        console.print(f"  {'holds ' if holds else 'missed'} {text}", highlight=False)
    if output:
        found = {"before": baseline, "results": results, "limits": limits}
        output.write_text(json.dumps(found, indent=1) + "\n")
    return int(not all(limits.values()))


class Bench:
    """The folders and commands of one measurement."""

    def __init__(self, data: Path, new: str, image_size: int, folder: Path) -> None:
        self._data = data
        self._new = new
        self._folder = folder
        self._settings = [f"image_size={image_size}", "gate.min_accuracy=0", "gate.max_drop=1"]
        self._known = [path.name for path in sorted(data.iterdir()) if path.name != new]

    def train_baseline(self) -> Result:
        """Train a model on the known domains; return its results on all, the new one included."""
        for domain in self._known:
            (self._folder / "old").mkdir(exist_ok=True)
            (self._folder / "old" / domain).symlink_to(self._data / domain)
        seconds = self._run("run", self._folder / "old", self._folder / "base")
        return self._score(self._folder / "base") | {"seconds": seconds}

    def measure(self, size: str) -> dict[str, Result]:
        """Return the results of retraining, (a) and (b).

        Args:
            size: Number of pictures of the new domain per class, or "all".
        """
        here = self._folder / size
        batch = self._choose(here / "inbox" / "batch", size)
        shutil.copytree(self._folder / "base", here / "retrained", symlinks=True)
        seconds = timed(
            [
                *CARRYOVER,
                "retrain",
                "--workspace",
                here / "retrained",
                "--inbox",
                here / "inbox",
                *self._set("retrain.good_enough=1"),
            ]
        )
        retrained = self._score(here / "retrained") | {"seconds": seconds}
        full = here / "full"
        full.mkdir()
        for domain in self._known:
            (full / domain).symlink_to(self._data / domain)
        (full / self._new).symlink_to(batch / self._new)
        seconds = self._run("run", full, here / "a")
        on_all = self._score(here / "a") | {"seconds": seconds}
        shutil.copytree(self._folder / "base", here / "b", symlinks=True)
        seconds = self._run("run", batch, here / "b", "validation.stop_at=never")
        alone = self._score(here / "b") | {"seconds": seconds}
        return {"retrained": retrained, "(a) all pictures": on_all, "(b) new domain alone": alone}

    def _choose(self, batch: Path, size: str) -> Path:
        """Write a batch of the new domain, and return its folder."""
        for label in sorted((self._data / self._new).iterdir()):
            pictures = sorted(label.iterdir())
            chosen = pictures if size == "all" else pictures[: int(size)]
            target = batch / self._new / label.name
            target.mkdir(parents=True)
            for path in chosen:
                shutil.copyfile(path, target / path.name)
        (batch / "_READY").touch()
        return batch

    def _run(self, command: str, data: Path, workspace: Path, *settings: str) -> float:
        return timed(
            [*CARRYOVER, command, "--data", data, "--workspace", workspace, *self._set(*settings)]
        )

    def _set(self, *settings: str) -> list[str]:
        return [part for pair in (*self._settings, *settings) for part in ("--set", pair)]

    def _score(self, workspace: Path) -> Result:
        """Return the accuracy of the newest model on the test pictures of every domain."""
        script = Path(__file__).with_name("score_model.py")
        done = subprocess.run(
            [sys.executable, str(script), str(self._data), str(workspace)],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        domains = json.loads(done.stdout.splitlines()[-1])
        return {"domains": domains, "mean": sum(domains.values()) / len(domains)}


def environment() -> dict[str, str]:
    """Return the environment of all processes."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def timed(command: list[Any]) -> float:
    """Run a command, and return the seconds that it takes."""
    start = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode not in EXIT_CODES:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - start


def check_limits(baseline: Result, results: dict[str, Any], new: str) -> dict[str, bool]:
    """Return whether each limit holds, by a text that describes it."""
    limits = {}
    if "all" in results:
        ours, on_all = results["all"]["retrained"], results["all"]["(a) all pictures"]
        accuracy, seconds = ours["mean"] / on_all["mean"], ours["seconds"] / on_all["seconds"]
        losses = {
            name: baseline["domains"][name] - value
            for name, value in ours["domains"].items()
            if name != new
        }
        limits = {
            f"all: {accuracy:.3f} of the accuracy of (a), at least {SHARE_OF_ACCURACY}": accuracy
            >= SHARE_OF_ACCURACY,
            f"all: {seconds:.2f} of the seconds of (a), at most {SHARE_OF_SECONDS}": seconds
            <= SHARE_OF_SECONDS,
            f"all: a known domain loses {max(losses.values()):.3f}, at most {MAX_LOSS}": max(
                losses.values()
            )
            <= MAX_LOSS,
        }
    if "20" in results:
        gain = results["20"]["retrained"]["domains"][new] - baseline["domains"][new]
        limits[f"20 per class: {new} gains {gain:.3f}, at least {MIN_GAIN_OF_20}"] = (
            gain >= MIN_GAIN_OF_20
        )
    return limits


def show(title: str, baseline: Result, results: dict[str, Result], new: str) -> None:
    """Print the results of the baseline and of all models, side by side."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("accuracy on test")
    for name in ("baseline", *results):
        table.add_column(name, justify="right", no_wrap=True)
    columns = [baseline, *results.values()]
    for domain in sorted(baseline["domains"], key=lambda name: (name != new, name)):
        table.add_row(domain, *(f"{column['domains'][domain]:.3f}" for column in columns))
    table.add_section()
    table.add_row("mean", *(f"{column['mean']:.3f}" for column in columns))
    table.add_row("seconds", *(f"{column['seconds']:.0f}" for column in columns))
    console.print(table, highlight=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--new", default="sketch")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--per-class", default="5,20,100,all")
    parser.add_argument("--output", type=Path)
    given = vars(parser.parse_args())
    sys.exit(main(**given | {"per_class": given["per_class"].split(",")}))

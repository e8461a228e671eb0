"""Is Carryover better than one page of plain Keras, and no slower?

For every seed `plain_keras.py` and `carryover run` train in turn, in processes of their own, on the
same pictures in the same splits; who goes first alternates. Seconds are those of the whole process,
from its start to its end. `carryover inspect` decides the splits beforehand, and every run is
checked to have used them. Exits with 1 when a limit is missed.

    python tests/benchmarks/bench_vs_keras.py --data PACS [--image-size 128] [--seeds 17,18,19]
        [--set KEY=VALUE ...] [--output RESULTS.json]
"""

import argparse
import csv
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import mean
from typing import Any

from measured import ROOT
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from components.image_example_gen.catalog import read_catalog
from pipeline.summary.summary_schema import Summary

#: On PACS at 128 px with the defaults, as a mean over the seeds.
MEAN_ACCURACY = 0.92
WORST_ACCURACY = 0.87
TIME_RATIO = 0.6

PLAIN, OURS = "plain Keras", "carryover"
CARRYOVER = [sys.executable, "-m", "pipeline.cli"]
LIBRARIES = ("tensorflow", "keras", "tfx", "apache-beam", "numpy")

#: Exit codes of `carryover run` after which there is a model: pushed, not blessed.
TRAINED = (0, 3)

#: `domains`, `mean` and `worst` are shares of the test split; `seconds` of the whole process.
Result = dict[str, Any]

#: Path -> domain, label, split.
Split = dict[str, tuple[str, str, str]]

console = Console()


@dataclass(frozen=True)
class Task:
    """What both are given.

    Attributes:
        data: folder of pictures.
        image_size: in pixels.
        settings: of Carryover, `key=value`.
        split: of every picture.
        pictures: the same as a CSV file.
        folder: for files, gone at the end.
    """

    data: Path
    image_size: int
    settings: list[str]
    split: Split
    pictures: Path
    folder: Path


def main(
    data: Path, image_size: int, seeds: list[int], settings: list[str], output: Path | None
) -> int:
    """Measure both for every seed, print both, and compare with the limits."""
    machine = describe_machine()
    say(", ".join(f"{name} {value}" for name, value in machine.items()))
    results: dict[int, dict[str, Result]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-vs-keras-") as folder:
        task = prepare(data.resolve(), image_size, settings, Path(folder))
        for number, seed in enumerate(seeds):
            order = (PLAIN, OURS) if number % 2 == 0 else (OURS, PLAIN)
            results[seed] = {name: run_one(name, task, seed) for name in order}
            show(f"seed {seed}", results[seed])
    means = {name: average([both[name] for both in results.values()]) for name in (PLAIN, OURS)}
    if len(seeds) > 1:
        show(f"mean over seeds {', '.join(map(str, seeds))}", means)
    say(f"{len(task.split):,} pictures at {image_size} px. Commands of the last seed:")
    for name in (PLAIN, OURS):
        say(f"  {results[seeds[-1]][name]['command']}")
    pushed = all(both[OURS]["status"] == "pushed" for both in results.values())
    limits = {f"every run of {OURS} pushed a version": pushed, **check_limits(means)}
    say("Limits, for PACS at 128 px with the defaults, on the mean over seeds:")
    for text, holds in limits.items():
        say(f"  {'holds ' if holds else 'missed'} {text}")
    if output:
        report = {"machine": machine, "seeds": results, "mean": means, "limits": limits}
        output.write_text(json.dumps(report, indent=1) + "\n")
    return int(not all(limits.values()))


def say(text: str) -> None:
    """Print a line, as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def describe_machine() -> dict[str, str]:
    """Cores and versions."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {"cores": str(os.cpu_count()), "python": platform.python_version(), **versions}


def prepare(data: Path, image_size: int, settings: list[str], folder: Path) -> Task:
    """Let `carryover inspect` decide the splits, and list them for `plain_keras.py`."""
    say("carryover inspect decides the splits ...")
    workspace, settings = folder / "inspected", [f"image_size={image_size}", *settings]
    found = ["--output", str(folder / "inspection")]
    command = [*CARRYOVER, "inspect", *arguments(data, workspace, settings), *found]
    timed(command, folder / "inspect.log", allowed=(0,))
    split = read_split(workspace)
    pictures = write_list(split, data, folder / "pictures.csv")
    return Task(data, image_size, settings, split, pictures, folder)


def read_split(workspace: Path) -> Split:
    """The split that the only run in a workspace used."""
    (catalog,) = Path(workspace, "artifacts", "ImageExampleGen", "catalog").iterdir()
    columns = ["image_id", "domain", "label", "split"]
    return {
        os.fsdecode(row["image_id"]): (row["domain"], row["label"], row["split"])
        for table in read_catalog(str(catalog), columns)
        for row in table.to_pylist()
    }


def write_list(split: Split, data: Path, path: Path) -> Path:
    """Write the list that `plain_keras.py` reads; returns its path."""
    with path.open("w", newline="", errors="surrogateescape") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "domain", "label", "split"))
        rows.writerows((data / picture, *entry) for picture, entry in split.items())
    return path


def run_one(name: str, task: Task, seed: int) -> Result:
    """Train with one of the two; its files are gone afterwards."""
    say(f"seed {seed}: {name} ...")
    with tempfile.TemporaryDirectory(dir=task.folder) as folder:
        run = run_plain if name == PLAIN else run_carryover
        result = run(task, seed, Path(folder))
    say(f"  {result['status']} after {result['seconds']:.0f} s, mean {result['mean']:.3f}")
    return result


def run_plain(task: Task, seed: int, folder: Path) -> Result:
    """Train with the page of Keras."""
    script = str(Path(__file__).with_name("plain_keras.py"))
    options = ["--pictures", task.pictures, "--image-size", task.image_size, "--seed", seed]
    command = [sys.executable, script, *map(str, options), "--output", str(folder)]
    log = folder / "log"
    seconds = timed(command, log, allowed=(0,))
    result = json.loads(log.read_text().splitlines()[-1])
    parts = {"imports": seconds - sum(result["seconds"].values()), **result["seconds"]}
    return result | {
        "seconds": seconds,
        "parts": parts,
        "status": "saved",
        "command": shlex.join(command),
    }


def run_carryover(task: Task, seed: int, folder: Path) -> Result:
    """Train with Carryover, in a workspace of its own."""
    workspace = folder / "workspace"
    options = arguments(task.data, workspace, [*task.settings, f"seed={seed}"])
    command = [*CARRYOVER, "run", *options]
    seconds = timed(command, folder / "log", allowed=TRAINED)
    if read_split(workspace) != task.split:
        sys.exit("carryover run used other splits than carryover inspect: no fair comparison.")
    (path,) = workspace.glob("runs/*/summary.json")
    summary = Summary.model_validate_json(path.read_text())
    domains = {name: domain.accuracy for name, domain in summary.domains.items()}
    return {
        "domains": domains,
        "mean": summary.mean_domain_accuracy,
        "worst": min(domains.values()),
        "seconds": seconds,
        "parts": summary.seconds,
        "status": summary.status,
        "command": shlex.join(command),
    }


def arguments(data: Path, workspace: Path, settings: list[str]) -> list[str]:
    """Options that all commands of Carryover share."""
    pairs = [part for setting in settings for part in ("--set", setting)]
    return ["--data", str(data), "--workspace", str(workspace), *pairs]


def timed(command: list[str], log: Path, allowed: tuple[int, ...]) -> float:
    """Run a process, with what it prints in a file; returns its seconds."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with log.open("w") as file:
        start = time.perf_counter()
        done = subprocess.run(
            command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
        seconds = time.perf_counter() - start
    if done.returncode not in allowed:
        sys.exit(f"{log.read_text()[-2000:]}\nexit code {done.returncode}: {shlex.join(command)}")
    return seconds


def average(results: list[Result]) -> Result:
    """Mean of the figures of several runs."""
    domains = {
        name: mean(one["domains"][name] for one in results) for name in results[0]["domains"]
    }
    return {"domains": domains} | {
        name: mean(one[name] for one in results) for name in ("mean", "worst", "seconds")
    }


def check_limits(means: dict[str, Result]) -> dict[str, bool]:
    """What is asked of Carryover, in words -> whether it holds."""
    ours, ratio = means[OURS], means[OURS]["seconds"] / means[PLAIN]["seconds"]
    accuracy, worst = ours["mean"], ours["worst"]
    return {
        f"mean accuracy {accuracy:.3f}, at least {MEAN_ACCURACY}": accuracy >= MEAN_ACCURACY,
        f"worst domain {worst:.3f}, at least {WORST_ACCURACY}": worst >= WORST_ACCURACY,
        f"{ratio:.2f} times the seconds of {PLAIN}, at most {TIME_RATIO}": ratio <= TIME_RATIO,
    }


def show(title: str, results: dict[str, Result]) -> None:
    """Print both side by side."""
    plain, ours = results[PLAIN], results[OURS]
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("accuracy on test", overflow="fold")
    for name in (PLAIN, OURS, "change"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in plain["domains"]:
        table.add_row(escape(name), *_shares(plain["domains"][name], ours["domains"][name]))
    table.add_section()
    for name in ("mean", "worst"):
        table.add_row(name, *_shares(plain[name], ours[name]))
    ratio = ours["seconds"] / plain["seconds"]
    seconds = (f"{one['seconds']:.0f}" for one in (plain, ours))
    table.add_row("seconds", *seconds, f"x {ratio:.2f}")
    console.print(table, highlight=False)


def _shares(plain: float, ours: float) -> tuple[str, str, str]:
    return f"{plain:.3f}", f"{ours:.3f}", f"{ours - plain:+.3f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--seeds", default="17,18,19")
    parser.add_argument("--set", dest="settings", nargs="+", action="extend", default=[])
    parser.add_argument("--output", type=Path)
    given = vars(parser.parse_args())
    sys.exit(main(**given | {"seeds": [int(seed) for seed in given["seeds"].split(",")]}))

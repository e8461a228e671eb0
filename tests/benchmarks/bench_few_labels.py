"""Retraining with few labelled pictures of a new domain, with and without unlabelled ones.

The serving model was trained on the other domains. Of the new domain, a part is kept for scoring;
of the rest, some pictures per class arrive with labels, drawn at random, and all others without.
Pictures whose names differ in a last number after a hyphen show the same (PACS: sketches of one
photograph): such a group is never both scored and delivered, and the labelled ones are drawn from
as many groups as possible. With 0 per class, the candidate is pushed without labels. Every draw has
a serving model of its own, trained with another seed: one that is good by chance in a known domain
would make every retraining of it look bad there.

    python tests/benchmarks/bench_few_labels.py --data PACS [--new sketch] [--image-size 128]
        [--per-class 5,20] [--draws 3] [--bases FOLDER] [--set KEY=VALUE]... [--output RESULTS.json]
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from bench_retrain import CARRYOVER, environment, timed
from rich import box
from rich.console import Console
from rich.table import Table

#: Share of the new domain that is kept for scoring.
SCORED = 0.43

#: What is compared: name -> values of options.
KINDS = {
    "labels alone": ("retrain.unlabelled=off",),
    "and unlabelled": ("retrain.unlabelled=always", "retrain.unverified=push"),
}

#: Seed of the trainings of the first draw; every further draw has the next one.
SEED = 17

#: Options of all retrainings: however few labels there are, they are trained on.
SETTINGS = ("retrain.good_enough=1", "retrain.min_pictures=1")

console = Console()


def main(
    data: Path,
    new: str,
    image_size: int,
    per_class: list[int],
    draws: int,
    bases: Path | None,
    settings: list[str],
    output: Path | None,
) -> int:
    """Measure every number of labels and every draw, and print the means."""
    with tempfile.TemporaryDirectory(prefix="bench-few-labels-") as folder:
        bench = Bench(data.resolve(), new, image_size, Path(folder), bases, settings)
        models = [bench.score(bench.base(draw)) for draw in range(draws)]
        results: dict[str, Any] = {"serving model": models}
        for count in per_class:
            for kind in list(KINDS)[0 if count else 1 :]:
                name = f"{count} per class, {kind}"
                results[name] = [bench.measure(count, draw, kind) for draw in range(draws)]
        show(results, new)
    if output:
        output.write_text(json.dumps(results, indent=1) + "\n")
    return 0


class Bench:
    """The folders and commands of one measurement."""

    def __init__(
        self,
        data: Path,
        new: str,
        image_size: int,
        folder: Path,
        bases: Path | None,
        settings: list[str],
    ) -> None:
        self._new = new
        self._folder = folder
        self._bases = bases or folder / "bases"
        self._settings = [f"image_size={image_size}", "gate.min_accuracy=0", "gate.max_drop=1"]
        self._retrain_settings = settings
        groups = group_pictures(data / new)
        names = np.random.default_rng(0).permutation(sorted(groups)).tolist()
        total = sum(len(group) for group in groups.values())
        scored: list[Path] = []
        while len(scored) < SCORED * total:
            scored += groups.pop(names.pop())
        self._groups = groups
        self._scored = folder / "scored"
        for path in scored:
            link(path, self._scored / new / path.parent.name)
        known = [path for path in sorted(data.iterdir()) if path.name != new]
        for path in known:
            link(path, self._scored)
            link(path, folder / "known")

    def measure(self, count: int, draw: int, kind: str) -> dict[str, Any]:
        """Return accuracies and seconds of one retraining."""
        here = self._folder / f"{count}-{draw}-{kind.replace(' ', '-')}"
        batch = here / "inbox" / "batch"
        labelled = draw_labelled(self._groups, count, draw)
        for path in (path for group in self._groups.values() for path in group):
            label = path.parent.name if path in labelled else "_unlabelled"
            target = batch / self._new / label
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / f"{path.parent.name}-{path.name}")
        (batch / "_READY").touch()
        shutil.copytree(self.base(draw), here / "workspace", symlinks=True)
        seconds = timed(
            [
                *CARRYOVER,
                "retrain",
                "--workspace",
                here / "workspace",
                "--inbox",
                here / "inbox",
                *self._set(*SETTINGS, *KINDS[kind], *self._retrain_settings, f"seed={SEED + draw}"),
            ]
        )
        result = self.score(here / "workspace") | {"seconds": seconds}
        console.print(f"{count} per class, draw {draw}, {kind}: {result}", highlight=False)
        shutil.rmtree(here)
        return result

    def score(self, workspace: Path) -> dict[str, Any]:
        """Return the accuracy of the newest model in every domain."""
        script = Path(__file__).with_name("score_model.py")
        done = subprocess.run(
            [sys.executable, str(script), str(self._scored), str(workspace), self._new],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        scores: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return scores

    def base(self, draw: int) -> Path:
        """Return the workspace of the serving model of a draw, trained where it is missing."""
        workspace = self._bases / f"{self._new}-{draw}"
        if not (workspace / "serving").is_dir():
            data = self._folder / "known"
            settings = self._set(f"seed={SEED + draw}")
            timed([*CARRYOVER, "run", "--data", data, "--workspace", workspace, *settings])
        return workspace

    def _set(self, *settings: str) -> list[str]:
        return [part for pair in (*self._settings, *settings) for part in ("--set", pair)]


def group_pictures(domain: Path) -> dict[str, list[Path]]:
    """Return the pictures of a domain by class and name without the last number."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(domain.glob("*/*")):
        groups[f"{path.parent.name}/{re.sub('-[0-9]+$', '', path.stem)}"].append(path)
    return dict(groups)


def draw_labelled(groups: dict[str, list[Path]], count: int, seed: int) -> set[Path]:
    """Draw pictures of every class: one of every group first, then the others."""
    generator = np.random.default_rng(seed)
    ranked: dict[str, list[tuple[int, float, Path]]] = defaultdict(list)
    for _, group in sorted(groups.items()):
        for rank, number in enumerate(generator.permutation(len(group))):
            path = group[number]
            ranked[path.parent.name].append((rank, generator.random(), path))
    return {path for rows in ranked.values() for _, _, path in sorted(rows)[:count]}


def link(path: Path, folder: Path) -> None:
    """Link a file or a folder into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path.name).symlink_to(path)


def show(results: dict[str, Any], new: str) -> None:
    """Print the mean of the draws, and the range in the new domain."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    domains = sorted(results["serving model"][0], key=lambda name: (name != new, name))
    table.add_column("accuracy, mean of the draws")
    for name in (*domains, "lowest", "highest", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, rows in results.items():
        means = [f"{mean(row[domain] for row in rows):.3f}" for domain in domains]
        span = [f"{limit(row[new] for row in rows):.3f}" for limit in (min, max)]
        seconds = mean(row.get("seconds", 0) for row in rows)
        table.add_row(name, *means, *span, f"{seconds:.0f}")
    console.print(table, highlight=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--new", default="sketch")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--per-class", default="5,20")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--bases", type=Path, help="folder that keeps the serving models")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--output", type=Path)
    given = vars(parser.parse_args())
    counts = [int(count) for count in given.pop("per_class").split(",")]
    sys.exit(main(**given, per_class=counts))

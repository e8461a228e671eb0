"""Does the memory of an assessment grow with the number of unlabelled pictures?

Trains a small model, delivers batches of pictures without a label to copies of its workspace, and
prints peak memory, seconds, and what became of each batch: `carryover retrain` ingests, assesses
and holds it. Exits with 1 where the largest batch takes more than 1.2 times the memory of the
smallest.

    python tests/benchmarks/bench_assess.py [--pictures 10000 100000] [--folder FOLDER]
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from measured import ROOT
from process_memory import Finished, watch_memory

sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from hard_tree import many_pictures

from pipeline.retraining.ledger import read_batches

#: Most memory of the largest batch, as a multiple of that of the smallest.
LIMIT = 1.2

#: Pictures with a label that the serving model is trained on.
TRAINED = 2_000

#: Exit code of a retraining whose batches wait.
HELD = 0

OPTIONS = ("quality=fast", "image_size=64", "retrain.unlabelled=off")


def main() -> int:
    """Measure every number of pictures, and compare the largest with the smallest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--folder", help="folder for the pictures and the workspaces")
    arguments = parser.parse_args()
    peaks = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        here = Path(folder)
        data = many_pictures(here / "data", TRAINED, seed=1)
        run("run", "--data", data, "--workspace", here / "base")
        for count in sorted(arguments.pictures):
            result = assess(here, count)
            peaks[count] = result.peak
            print(
                f"{count:,} pictures without a label: {result.peak / 2**20:,.0f} MiB, "
                f"{result.seconds:,.0f} s",
                flush=True,
            )
    ratio = peaks[max(peaks)] / peaks[min(peaks)]
    print(f"{max(peaks):,} against {min(peaks):,}: {ratio:.2f} times the memory (limit {LIMIT})")
    return int(ratio > LIMIT)


def assess(here: Path, count: int) -> Finished:
    """Deliver pictures without a label to a copy of the workspace, and return what it took.

    Every picture has to be in the assessment: the program ends with a message otherwise.
    """
    workspace, batch = here / str(count) / "workspace", here / str(count) / "inbox" / "batch"
    shutil.copytree(here / "base", workspace, symlinks=True)
    for path in many_pictures(here / str(count) / "labelled", count).glob("*/*/*"):
        unlabelled = batch / f"new {path.parts[-3]}" / "_unlabelled"
        unlabelled.mkdir(parents=True, exist_ok=True)
        path.rename(unlabelled / path.name)
    (batch / "_READY").touch()
    result = run("retrain", "--workspace", workspace, "--inbox", batch.parent)
    numbers = read_batches(workspace)[0].numbers.values()
    assessed = sum(domain["unlabelled"] for domain in numbers)
    if assessed != count:
        sys.exit(f"{assessed:,} of {count:,} pictures were assessed: {result.output[-2000:]}")
    shutil.rmtree(here / str(count))
    return result


def run(*arguments: str | Path) -> Finished:
    """Run a command of the product with `OPTIONS`, and end with its words where it fails."""
    command = [sys.executable, "-m", "carryover_command", *map(str, arguments)]
    command += [part for option in OPTIONS for part in ("--set", option)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = watch_memory(command, environment)
    if result.code != HELD:
        sys.exit(result.output[-2000:])
    return result


if __name__ == "__main__":
    sys.exit(main())

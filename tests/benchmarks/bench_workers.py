"""What do two workers of one training save, and how many pictures does each of them read?

The same training on generated pictures: one process on one core, one process on two cores, and two
processes with one core each.

    python tests/benchmarks/bench_workers.py [--pictures 1200] [--image-size 128]
        [--trainable-from 0.5] [--root CHECKOUT] [--output RESULTS.json]

`--root` measures the code of another checkout of this package.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measured import ROOT
from rich import box
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(ROOT / "tests" / "helpers"))
from ports import free_ports

#: Cores of each process of every measurement.
MEASURED = {
    "one process, one core": ["0"],
    "one process, two cores": ["0,1"],
    "two processes, one core each": ["0", "1"],
}

#: Result of one process: seconds and pictures read.
Result = dict[str, Any]

console = Console()


def main(
    pictures: int, image_size: int, trainable_from: str, root: Path, output: Path | None
) -> None:
    """Measure and print all kinds."""
    with tempfile.TemporaryDirectory(prefix="bench-workers-") as folder:
        splits = {"train": round(0.8 * pictures), "eval": pictures - round(0.8 * pictures)}
        for name, count in splits.items():
            _run_program(["write", folder, name, str(count), str(image_size)], ROOT).wait()
        results = {}
        for name, cores in MEASURED.items():
            training = {
                "image_size": image_size,
                "frozen": {"epochs": 5},
                "fine_tuning": {"epochs": 2, "views": 2, "trainable_from": trainable_from},
            }
            results[name] = measure(Path(folder), training, cores, root)
    show(results, pictures)
    if output:
        output.write_text(json.dumps(results, indent=1) + "\n")


def measure(folder: Path, training: dict[str, Any], cores: list[str], root: Path) -> list[Result]:
    """Train with one process per entry of `cores`; return the result of each."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(len(cores))]
    processes = []
    for index, core in enumerate(cores):
        variables = {}
        if len(cores) > 1:
            task = {"type": "worker", "index": index}
            variables["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        arguments = ["train", str(folder), json.dumps(training)]
        processes.append(_run_program(arguments, root, variables, core))
    results = []
    for process in processes:
        text, _ = process.communicate()
        if process.returncode:
            sys.exit("a training failed")
        results.append(json.loads(text.splitlines()[-1]))
    return results


def _run_program(
    arguments: list[str],
    root: Path,
    variables: dict[str, str] | None = None,
    cores: str = "0,1",
) -> subprocess.Popen[str]:
    program = str(Path(__file__).with_name("worker_reading.py"))
    own = {"PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(
        [str(shutil.which("taskset")), "--cpu-list", cores, sys.executable, program, *arguments],
        env=os.environ | own | (variables or {}),
        stdout=subprocess.PIPE,
        text=True,
    )


def show(results: dict[str, list[Result]], pictures: int) -> None:
    """Print seconds, and the pictures that each process read."""
    table = Table(title=f"{pictures:,} pictures", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("training")
    for name in ("seconds", "index", "frozen", "fine-tuned", "pictures read by each"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, rows in results.items():
        slowest = max(rows, key=lambda row: row["seconds"])
        chief = rows[0]
        table.add_row(
            name,
            f"{slowest['seconds']:.1f}",
            *(f"{chief[stage]:.1f}" for stage in ("index", "frozen", "fine_tuned")),
            " + ".join(f"{row['read']:,}" for row in rows),
        )
    console.print(table, highlight=False)
    one, _, two = (max(row["seconds"] for row in rows) for rows in results.values())
    console.print(f"Two processes are {one / two:.2f} times as fast as one of them.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=1200)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--trainable-from", default="0.5")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--output", type=Path)
    main(**vars(parser.parse_args()))

"""What does a whole run take per picture: memory of every component, disk, time?

Generates small pictures, runs `carryover run` on each number of them, and prints for every
component its peak of memory and its pictures a second, and the disk that was announced and used.
From the difference it tells the bytes of memory per picture, and what a million pictures would
take. Exits with 1 where a million would take more than 1.5 times as much as the largest number
measured.

    python tests/benchmarks/bench_million.py [--pictures 20000 100000] [--set KEY=VALUE ...]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from measured import ROOT
from process_memory import INTERVAL, anonymous_memory, process_tree, read_process_file

sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from hard_tree import many_pictures

LIMIT, MILLION = 1.5, 1_000_000

#: A finished component, as `ProgressDisplay` prints it, and the line that announces the disk.
FINISHED = re.compile(r"\+ (\S.*?)  +([\d.]+) s$")
ANNOUNCED = re.compile(r"about ([\d,.]+) (MB|GB) of disk")

#: Looks at the memory per look at the disk.
LOOKS_PER_DISK = 10


@dataclass
class Measured:
    """What one run took.

    Attributes:
        memory: Component -> peak of the anonymous memory of all processes, in bytes. Pages of
            mapped files are not in it: the kernel takes them back.
        seconds: Component -> seconds.
        disk: Peak of the disk that the workspace uses, nameless files included, in bytes.
        announced: Disk that the run announced, in bytes; None where it said nothing.
    """

    memory: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    seconds: dict[str, float] = field(default_factory=dict)
    disk: float = 0
    announced: float | None = None

    @property
    def peak(self) -> float:
        return max(self.memory.values())


def main() -> int:
    """Measure every number of pictures, and compare the last two."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--folder", help="folder for the pictures and the workspace")
    arguments = parser.parse_args()
    overrides = ["quality=fast", "image_size=64", *arguments.overrides]
    results = {}
    for count in arguments.pictures:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            data, workspace = Path(folder, "data"), Path(folder, "workspace")
            many_pictures(data, count)
            results[count] = measure(data, workspace, overrides)
        show(count, results[count])
    return compare(results) if len(results) > 1 else 0


def measure(data: Path, workspace: Path, overrides: list[str]) -> Measured:
    """Run the pipeline in processes of its own, and look at them from outside."""
    command = [sys.executable, "-m", "carryover_command", "run", "--data", str(data)]
    command += ["--workspace", str(workspace)]
    command += [part for override in overrides for part in ("--set", override)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    result, ended, waiting = Measured(), threading.Event(), [0.0]
    watch = threading.Thread(target=look, args=(process.pid, workspace, result, ended, waiting))
    watch.start()
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if found := FINISHED.match(line.strip()):
            result.seconds[found[1]] = float(found[2])
            result.memory[found[1]], waiting[0] = waiting[0], 0.0
        if found := ANNOUNCED.search(line):
            scale = {"MB": 1e6, "GB": 1e9}[found[2]]
            result.announced = float(found[1].replace(",", "")) * scale
    ended.set()
    watch.join()
    if process.wait() not in (0, 3):
        sys.exit("".join(lines[-20:]))
    return result


def look(
    pid: int, workspace: Path, result: Measured, ended: threading.Event, peak: list[float]
) -> None:
    """Record the peaks of memory (of the component that runs now) and of disk until the end."""
    process, looks = psutil.Process(pid), 0
    while not ended.wait(INTERVAL):
        tree = process_tree(process)
        peak[0] = max(peak[0], sum(anonymous_memory(one.pid) for one in tree))
        if looks % LOOKS_PER_DISK == 0:
            nameless = sum(nameless_files(one.pid, workspace) for one in tree)
            result.disk = max(result.disk, disk_usage(workspace) + nameless)
        looks += 1


def nameless_files(pid: int, workspace: Path) -> int:
    """Return the bytes of mapped files of the workspace that have no name any more."""
    size = 0
    for line in read_process_file(pid, "maps").splitlines():
        if line.endswith("(deleted)") and str(workspace) in line:
            first, last = (int(edge, 16) for edge in line.split()[0].split("-"))
            size += last - first
    return size


def disk_usage(folder: Path) -> int:
    """Return the bytes on disk of all files in a folder."""
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(path, name)).st_blocks * 512  # noqa: PTH118 (speed)
            except FileNotFoundError:
                continue
    return size


def show(count: int, result: Measured) -> None:
    """Print what one run took."""
    print(f"{count:,} pictures, {time.strftime('%H:%M')}")
    for name, seconds in result.seconds.items():
        mib, rate = result.memory[name] / 2**20, count / max(seconds, 0.1)
        print(f"  {name:18} {mib:8,.0f} MiB {seconds:8,.1f} s {rate:10,.0f} pictures a second")
    announced = "nothing" if result.announced is None else f"{result.announced / 1e6:,.0f} MB"
    print(f"  peak {result.peak / 2**20:,.0f} MiB in {sum(result.seconds.values()):,.0f} s")
    print(f"  disk {result.disk / 1e6:,.0f} MB, {result.disk / count:,.0f} bytes a picture")
    print(f"  announced {announced}", flush=True)


def compare(results: dict[int, Measured]) -> int:
    """Print the memory per picture, from the last two numbers of pictures; return the exit code."""
    (few, small), (many, large) = list(results.items())[-2:]
    peaks = {}
    for name in large.seconds:
        growth = max((large.memory[name] - small.memory[name]) / (many - few), 0)
        peaks[name] = large.memory[name] + growth * (MILLION - many)
        print(f"  {name:18} {growth:8,.0f} bytes a picture, {peaks[name] / 2**20:8,.0f} MiB")
    ratio = max(peaks.values()) / large.peak
    print(f"a million pictures against {many:,}: {ratio:.2f} times the memory (limit {LIMIT})")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())

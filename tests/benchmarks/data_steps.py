"""Runs the components from ImageExampleGen to Transform on a folder, and says what they took.

Prints one JSON object: `pictures`, `seconds` per component and from the first to the last,
`peak_mib` of this process and all that it started. Used by the other benchmarks, in a process of
its own, so that the memory of one does not count for the next.
"""

import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from rich.console import Console

from pipeline import component_ids
from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import take_snapshot
from pipeline.running.launch_components import launch_components
from pipeline.running.prepare_launcher import prepare_launcher
from pipeline.running.run import Run
from pipeline.terminal.progress_display import ProgressDisplay
from pipeline.workspace import Workspace

LAST = component_ids.TRANSFORM


def main(data: str, *overrides: str) -> None:
    """Run the components in a workspace that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(None, list(overrides), {"data": data, "workspace": Path(folder)})
        config = config.resolved()
        workspace = Workspace(config.workspace)
        snapshot = take_snapshot(config.data, workspace.inputs)
        progress = ProgressDisplay(Console(stderr=True, quiet=True))
        run = Run("benchmark", config, workspace, snapshot, progress, config.workspace)
        launcher, _ = prepare_launcher(run)
        with Peak() as peak:
            start = time.perf_counter()
            launch_components(run, launcher, LAST)
            total = time.perf_counter() - start
    result = {"pictures": snapshot.files, "seconds": run.seconds | {"total": total}}
    print(json.dumps(result | {"peak_mib": peak.mib}))


class Peak:
    """Largest resident memory of this process and its children while it is open."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(0.1):
            tree = [process, *process.children(recursive=True)]
            self.mib = max(self.mib, sum(_resident(one) for one in tree) / 2**20)


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Launches the components of a run in turn, and keeps what its user looks for."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from components.data_gate.checks.duplicates import LOOKALIKES, write_pairs
from components.data_gate.executor import read_findings
from components.data_gate.stopping import StoppedByDataError
from pipeline.running.launcher import Launcher
from pipeline.running.run import Run
from pipeline.summary.rejects import write_rejects
from pipeline.summary.summary_reader import Outputs

#: In the folder of a run.
OUTPUTS = "outputs.json"


def launch(run: Run, launcher: Launcher, nodes: Iterable[str]) -> Outputs:
    """Launch components, or answer them from the cache.

    Args:
        run: that they belong to.
        launcher: of its pipeline.
        nodes: ids, each after those that it needs.

    Returns:
        Component id -> output name -> URI.

    Raises:
        StoppedByDataError: the data gate stopped the run.
        Exception: whatever a component's executor raises.
    """
    outputs: Outputs = {}
    try:
        for node in nodes:
            with run.component(node) as outcome:
                outputs[node], outcome.cached = launcher.launch(node)
            keep_lists(run, {node: outputs[node]})
    except StoppedByDataError as stop:
        run.findings = stop.findings
        if stop.duplicates.pairs:
            write_pairs(stop.duplicates, str(run.lookalikes))
        raise
    return outputs


def keep_lists(run: Run, outputs: Outputs) -> None:
    """Keep what the user looks for of components that have finished: rejects and findings."""
    for node in _KEEP.keys() & outputs.keys():
        _KEEP[node](run, outputs[node])


def write_outputs(outputs: Outputs, folder: Path) -> None:
    """Note where the artifacts of a run are, for `read_outputs`."""
    (folder / OUTPUTS).write_text(json.dumps(outputs, indent=1) + "\n")


def read_outputs(folder: Path) -> Outputs:
    """Where the artifacts of a finished run are."""
    outputs: Outputs = json.loads((folder / OUTPUTS).read_text())
    return outputs


def launch_to(run: Run, launcher: Launcher, last: str) -> Outputs:
    """Launch the components up to one of them, see `launch`."""
    return launch(run, launcher, launcher.nodes[: launcher.nodes.index(last) + 1])


def _keep_rejects(run: Run, outputs: dict[str, str]) -> None:
    write_rejects(outputs["rejects"], run.rejects)


def _keep_findings(run: Run, outputs: dict[str, str]) -> None:
    run.findings = read_findings(outputs["findings"])
    lookalikes = Path(outputs["findings"], LOOKALIKES)
    if len(lookalikes.read_bytes().splitlines()) > 1:
        shutil.copyfile(lookalikes, run.lookalikes)


_KEEP: dict[str, Callable[[Run, dict[str, str]], None]] = {
    "ImageExampleGen": _keep_rejects,
    "DataGate": _keep_findings,
}

"""Where the artifacts of a run are: `runs/<run id>/outputs.json`."""

import json
from pathlib import Path

from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write

#: Component id -> output name -> URI of the artifact.
Outputs = dict[str, dict[str, str]]

FILE = "outputs.json"


def write_outputs(outputs: Outputs, folder: Path) -> None:
    """Write `outputs.json` into the folder of a run."""
    atomic_write(folder / FILE, json.dumps(outputs, indent=1) + "\n")


def read_outputs(folder: Path) -> Outputs:
    """Read `outputs.json` from the folder of a run, see `Workspace.artifact`.

    Raises:
        FileNotFoundError: The run has not finished.
    """
    workspace = Workspace(folder.parents[1])
    outputs: Outputs = json.loads((folder / FILE).read_text())
    return {
        component: {name: workspace.artifact(uri) for name, uri in uris.items()}
        for component, uris in outputs.items()
    }

"""Where the artifacts of a run are: `runs/<run id>/outputs.json`."""

import json
from pathlib import Path

from trainer_module.contract.atomic_write import atomic_write

#: Component id -> output name -> URI of the artifact.
Outputs = dict[str, dict[str, str]]

FILE = "outputs.json"


def write_outputs(outputs: Outputs, folder: Path) -> None:
    """Write `outputs.json` into the folder of a run."""
    atomic_write(folder / FILE, json.dumps(outputs, indent=1) + "\n")


def read_outputs(folder: Path) -> Outputs:
    """Read `outputs.json` from the folder of a run.

    Raises:
        FileNotFoundError: The run has not finished.
    """
    outputs: Outputs = json.loads((folder / FILE).read_text())
    return outputs

"""Where the artifacts of a run are: `runs/<run id>/outputs.json`."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pipeline import component_ids
from pipeline.workspace import Workspace
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import damaged_file, read_state

#: Component id -> output name -> URI of the artifact.
Outputs = dict[str, dict[str, str]]

FILE = "outputs.json"

_OUTPUTS = TypeAdapter(Outputs)

_REMEDY = "Restore the file from a backup."


def candidate_uri(outputs: Outputs) -> str:
    """Return the URI of the Model artifact that a run trained, or took from an earlier one.

    Raises:
        KeyError: The run has none.
    """
    if component_ids.CANDIDATE in outputs:
        return outputs[component_ids.CANDIDATE]["result"]
    return outputs[component_ids.TRAINER]["model"]


def write_outputs(outputs: Outputs, folder: Path) -> None:
    """Write `outputs.json` into the folder of a run."""
    atomic_write(folder / FILE, json.dumps(outputs, indent=1) + "\n")


def read_outputs(folder: Path) -> Outputs:
    """Read `outputs.json` from the folder of a run, see `Workspace.artifact`.

    Raises:
        UnavailableError: The run has not finished, or the file is unreadable or damaged.
    """
    workspace = Workspace(folder.parents[1])
    what = f"list of the artifacts of run {folder.name}"
    content = read_state(folder / FILE, what, _REMEDY)
    try:
        outputs = _OUTPUTS.validate_json(content)
    except ValidationError as error:
        raise damaged_file(folder / FILE, what, error.errors()[0]["msg"], _REMEDY) from None
    return {
        component: {name: workspace.artifact(uri) for name, uri in uris.items()}
        for component, uris in outputs.items()
    }

"""A run on Kubeflow in the workspace: what its first step knows and its last steps need.

The step that ends a run also runs where others have failed, and Kubeflow passes it nothing of them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.data_gate.findings import Finding
from pipeline.inputs.snapshot import Snapshot
from pipeline.retraining.begun_training import BegunTraining
from trainer_module.contract.atomic_write import atomic_write
from trainer_module.contract.workspace_files.state_files import read_json_object
from trainer_module.cross_fitting.folds import NO_FOLDS

#: File in the folder of a run.
FILE = "kubeflow.json"

_REMEDY = "Start a new run."


@dataclass(frozen=True)
class StoredRun:
    """What the first step of a run leaves for its last steps.

    Attributes:
        snapshot: Listing of the pictures. Its folds, which only the Trainer needs, are left out.
        baseline_version: Version that the candidate is compared with; None without one.
        begun: The batch that the run is for; None for a run over all pictures.
    """

    snapshot: Snapshot
    baseline_version: int | None
    begun: BegunTraining | None = None

    def write(self, folder: Path) -> None:
        """Write the file into the folder of the run."""
        values = asdict(self)
        del values["snapshot"]["folds"]
        atomic_write(folder / FILE, json.dumps(values, default=_json_value) + "\n")

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Return whether the first step of a run has ended and left its file in this folder."""
        return (folder / FILE).exists()

    @classmethod
    def read(cls, folder: Path) -> "StoredRun":
        """Read the file from the folder of the run.

        Raises:
            UnavailableError: The file is missing or damaged.
        """
        values = read_json_object(folder / FILE, f"state of run {folder.name}", _REMEDY)
        begun = values["begun"]
        return cls(
            _read_snapshot(values["snapshot"]),
            values["baseline_version"],
            BegunTraining(**begun) if begun else None,
        )


def _json_value(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _read_snapshot(values: dict[str, Any]) -> Snapshot:
    paths = {name: Path(values[name]) for name in ("path", "slice_values") if values[name]}
    tuples = {
        name: tuple(values[name]) for name in ("domains", "new_folders", "notes", "label_commands")
    }
    return Snapshot(
        **values
        | paths
        | tuples
        | {
            "empty_classes": tuple((domain, label) for domain, label in values["empty_classes"]),
            "findings": tuple(Finding.model_validate(one) for one in values["findings"]),
            "unverified": {name: tuple(paths) for name, paths in values["unverified"].items()},
            "folds": NO_FOLDS,
        }
    )

"""Metrics of the files that `carryover export` wrote for a version."""

import sys
from typing import Any

from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError
from trainer_module.contract.workspace_files.state_files import read_json_object


def read_export_metrics(
    workspace: Workspace, name: str, version: int | None
) -> list[dict[str, Any]]:
    """Return the metrics of every export of a version, see `pipeline.predicting.model_export`.

    A damaged file is left out, with a line on stderr.

    Args:
        workspace: Workspace with the version.
        name: Name of the model.
        version: Number of the version; None if the run pushed none.
    """
    if version is None:
        return []
    metrics = []
    for path in sorted(workspace.exports(name, version).glob("*.json")):
        try:
            metrics.append(read_json_object(path, "export", "Run the same carryover export again."))
        except InputError as error:
            print(f"carryover: an export is left out: {error}", file=sys.stderr)
    return metrics

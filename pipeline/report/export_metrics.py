"""Metrics of the files that `carryover export` wrote for a version."""

import json
from typing import Any

from pipeline.workspace import Workspace


def read_export_metrics(
    workspace: Workspace, name: str, version: int | None
) -> list[dict[str, Any]]:
    """Return the metrics of every export of a version, see `pipeline.predicting.model_export`.

    Args:
        workspace: Workspace with the version.
        name: Name of the model.
        version: Number of the version; None if the run pushed none.
    """
    if version is None:
        return []
    folder = workspace.exports(name, version)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]

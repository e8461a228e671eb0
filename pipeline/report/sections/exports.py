"""What `carryover export` made of the version that a run pushed, and how well it agrees with it."""

import json
from typing import Any

from pipeline.workspace import Workspace


def read_exports(workspace: Workspace, name: str, version: int | None) -> list[dict[str, Any]]:
    """Metrics of every export in the workspace, see `model_export.export_model`.

    Args:
        workspace: that the version is in.
        name: of the model.
        version: None where the run pushed none.
    """
    if version is None:
        return []
    folder = workspace.exports(name, version)
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]

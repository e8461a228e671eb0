"""Files of `carryover monitor` in a workspace. The server reads the newest report, too."""

from pathlib import Path


def monitoring_folder(workspace: Path) -> Path:
    """Return the folder in which `carryover monitor` keeps its states and reports.

    Args:
        workspace: Folder of the workspace.
    """
    return workspace / "monitoring"


def report_file(workspace: Path, model: str) -> Path:
    """Return the path of the newest report on the traffic of a model, one JSON object.

    Args:
        workspace: Folder of the workspace.
        model: Name of the model.
    """
    return monitoring_folder(workspace) / f"{model}.json"

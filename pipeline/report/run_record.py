"""Everything that a run left on disk and that its report shows."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.report.export_metrics import read_export_metrics
from pipeline.report.lineage import LineageEvent, read_lineage
from pipeline.report.model_versions import ModelVersion, read_model_versions
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@dataclass(frozen=True)
class RunRecord:
    """Run that has ended.

    Attributes:
        folder: Folder of the run.
        summary: Summary of the run.
        config: Config of the run, by key.
        lineage: Input and output artifacts of its components.
        exports: Metrics of the exports of the version that the run pushed.
        version: Version that its model is now, or was before a rollback; None without one.
    """

    folder: Path
    summary: Summary
    config: dict[str, Any]
    lineage: list[LineageEvent]
    exports: list[dict[str, Any]] = field(default_factory=list)
    version: ModelVersion | None = None

    def output_uri(self, component: str, name: str) -> str | None:
        """Return the URI of an output artifact.

        Args:
            component: Id of the component.
            name: Name of the output.

        Returns:
            None if the run ended before the component did, or the artifact was deleted.
        """
        for event in self.lineage:
            if event.is_output and (event.component, event.key) == (component, name):
                uri = Workspace(self.folder.parents[1]).artifact(event.uri)
                return uri if Path(uri).exists() else None
        return None


def read_record(workspace: Workspace, run_id: str | None) -> RunRecord:
    """Read a run that has ended.

    Args:
        workspace: Workspace with the run.
        run_id: Id of the run, None for the newest one.

    Raises:
        InputError: There is no such run, it has not ended, or a file of it is damaged.
    """
    run_ids = sorted(path.parent.name for path in workspace.runs.glob("*/summary.json"))
    if not run_ids:
        raise InputError(
            f"no run in {workspace.root} has ended yet. Give the workspace of a run with "
            "--workspace DIR, or run: carryover run"
        )
    if run_id is not None and run_id not in run_ids:
        raise InputError(
            f"no finished run {run_id} in {workspace.root}. Runs: {', '.join(run_ids)}."
        )
    folder = workspace.runs / (run_id or run_ids[-1])
    summary = Summary.read(folder)
    config = workspace.read_config(folder.name)
    return RunRecord(
        folder=folder,
        summary=summary,
        config=config,
        lineage=read_lineage(workspace.metadata, folder.name),
        exports=read_export_metrics(workspace, str(config.get("name")), summary.pushed_version),
        version=read_model_versions(workspace).get(folder.name),
    )

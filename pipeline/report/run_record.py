"""What a run left on disk: where everything in a report comes from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.report.sections.exports import read_exports
from pipeline.report.sections.lineage import Link, read_lineage
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@dataclass(frozen=True)
class RunRecord:
    """A run that has ended.

    Attributes:
        folder: of the run.
        summary: of the run.
        config: that it ran under, by key.
        lineage: what its components read and made.
        exports: figures of what the version that it pushed was converted to.
    """

    folder: Path
    summary: Summary
    config: dict[str, Any]
    lineage: list[Link]
    exports: list[dict[str, Any]] = field(default_factory=list)

    def output(self, component: str, name: str) -> str | None:
        """URI of an artifact; None where the run ended before it was made, or it is gone."""
        for link in self.lineage:
            if link.made and (link.component, link.key) == (component, name):
                return link.uri if Path(link.uri).exists() else None
        return None


def read_record(workspace: Workspace, run_id: str | None) -> RunRecord:
    """Read a run.

    Args:
        workspace: of the run.
        run_id: None for the newest.

    Raises:
        InputError: there is no such run, or it has not ended.
    """
    ended = sorted(path.parent.name for path in workspace.runs.glob("*/summary.json"))
    if not ended:
        raise InputError(f"no run in {workspace.root} has ended yet. Run: carryover run")
    if run_id is not None and run_id not in ended:
        raise InputError(f"no finished run {run_id} in {workspace.root}. Runs: {', '.join(ended)}.")
    folder = workspace.runs / (run_id or ended[-1])
    summary = Summary.read(folder)
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    return RunRecord(
        folder=folder,
        summary=summary,
        config=config,
        lineage=read_lineage(workspace.metadata, folder.name),
        exports=read_exports(workspace, config["name"], summary.pushed_version),
    )

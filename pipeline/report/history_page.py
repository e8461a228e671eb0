"""`history.html`: accuracy per domain from one candidate to the next, and what became of each."""

from dataclasses import dataclass
from pathlib import Path

from components.pusher.version_store import Push, VersionStore
from pipeline.report.plots.timeline import draw_timeline
from pipeline.report.rendering import write_page
from pipeline.retraining.ledger import read_entries
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

FILE = "history.html"

#: Domains that have a plot; the table has all.
MOST_DOMAINS = 30


@dataclass(frozen=True)
class Candidate:
    """A run that tested a model, and what became of that.

    Attributes:
        summary: of the run.
        outcome: pushed, rejected, accepted or rolled back.
        version: that it became; None where it was rejected.
        batches: names of those that it was trained for.
        why: reasons of the gate, or of the person who accepted it.
    """

    summary: Summary
    outcome: str
    version: int | None
    batches: list[str]
    why: list[str]

    @property
    def was_pushed(self) -> bool:
        """Whether it served, then or later."""
        return self.outcome != "rejected"


def write_history(workspace: Workspace) -> Path:
    """Make the page of a workspace.

    Returns:
        Path of the page.

    Raises:
        InputError: no run has tested a model yet.
    """
    candidates = read_candidates(workspace)
    if not candidates:
        raise InputError(f"no run in {workspace.root} has tested a model yet. Run: carryover run")
    domains = sorted({name for one in candidates for name in one.summary.domains})
    pushed = [one.was_pushed for one in candidates]
    least = min(found.accuracy for one in candidates for found in one.summary.domains.values())
    plots = [
        (domain, draw_timeline(domain, number, _accuracies(candidates, domain), pushed, least))
        for number, domain in enumerate(domains[:MOST_DOMAINS])
    ]
    return write_page(
        workspace.root / FILE,
        "history.html.j2",
        name=workspace.root.name,
        candidates=candidates,
        domains=domains,
        plots=plots,
        batches=read_entries(workspace.root),
    )


def read_candidates(workspace: Workspace) -> list[Candidate]:
    """Every run that tested a model that was new then, the oldest first."""
    versions = _versions(workspace)
    batches: dict[str, list[str]] = {}
    for entry in read_entries(workspace.root):
        batches.setdefault(entry.run_id or "", []).append(entry.name)
    found = []
    for folder in sorted(path.parent for path in workspace.runs.glob("*/summary.json")):
        summary = Summary.read(folder)
        if summary.domains and (summary.new_version or summary.status == "not_blessed"):
            found.append(_candidate(summary, versions, batches.get(folder.name, [])))
    return found


def _candidate(
    summary: Summary, versions: dict[str, tuple[int, Push, bool]], batches: list[str]
) -> Candidate:
    if summary.run_id not in versions:
        return Candidate(summary, "rejected", None, batches, summary.reasons)
    version, push, serves = versions[summary.run_id]
    why = [*summary.reasons, *([f"accepted: {push.accepted}"] if push.accepted else [])]
    outcome = "accepted" if push.accepted else "pushed"
    return Candidate(summary, outcome if serves else "rolled back", version, batches, why)


def _versions(workspace: Workspace) -> dict[str, tuple[int, Push, bool]]:
    """Run id -> the version that it pushed, what is known of it, and whether it serves."""
    found = {}
    for serving in workspace.root.glob("serving/*"):
        store = VersionStore(workspace.root, serving.name)
        for version, push, serves in store.pushes():
            found[push.run_id] = version, push, serves
    return found


def _accuracies(candidates: list[Candidate], domain: str) -> list[float | None]:
    found = (one.summary.domains.get(domain) for one in candidates)
    return [one.accuracy if one else None for one in found]

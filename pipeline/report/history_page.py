"""`history.html`: accuracy per domain from candidate to candidate, and the outcome of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.report.model_versions import ModelVersion, read_model_versions
from pipeline.report.plots.accuracy_history import draw_accuracy_history
from pipeline.report.rendering import write_page
from pipeline.summary.summary_schema import Summary
from pipeline.terminal.plain_lines import print_line
from pipeline.version_lookup import find_rollbacks, find_stores
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

FILE = "history.html"

#: Domains with a plot; the table has all domains.
MAX_PLOTS = 30

#: Outcomes of candidates that did not become a version, by the status of their runs.
NOT_PUSHED = {"not_blessed": "rejected", "awaiting_labels": "awaiting labels"}


class LedgerBatch(Protocol):
    """A batch of the ledger, see `pipeline.retraining.batch.Batch`. The page shows all of it."""

    @property
    def name(self) -> str:
        """Name of the batch."""

    @property
    def run_id(self) -> str | None:
        """Id of its last run; None without a run."""

    @property
    def digest(self) -> str:
        """Digest of its content."""

    @property
    def version(self) -> int | None:
        """Version that was pushed for it; None without one."""


@dataclass(frozen=True)
class Candidate:
    """Model of a run that was evaluated, with its outcome.

    Attributes:
        summary: Summary of the run.
        outcome: `pushed`, `rejected`, `accepted`, `rolled back` or `awaiting labels`.
        version: Version that the candidate became; None for none.
        batches: Names of the batches that the run was started for.
        reasons: Reasons of the gates, and of the persons who accepted the candidate or rolled it
            back.
    """

    summary: Summary
    outcome: str
    version: int | None
    batches: list[str]
    reasons: list[str]

    @property
    def was_pushed(self) -> bool:
        """Whether the candidate became a version, at once or later."""
        return self.outcome not in NOT_PUSHED.values()


def write_history_page(workspace: Workspace, batches: Sequence[LedgerBatch]) -> Path:
    """Write the history page of a workspace.

    Args:
        workspace: Workspace with at least one run that evaluated a model.
        batches: All batches of the ledger of the workspace.

    Returns:
        Path of the page.

    Raises:
        InputError: No run has evaluated a model yet.
    """
    candidates = read_candidates(workspace, batches)
    damaged = find_damaged(workspace)
    if not candidates and not damaged:
        raise InputError(
            f"no run in {workspace.root} has evaluated a model yet. Give the workspace of a run "
            "with --workspace DIR, or run: carryover run"
        )
    domains = sorted({name for one in candidates for name in one.summary.domains})
    pushed = [one.was_pushed for one in candidates]
    accuracies = [result.accuracy for one in candidates for result in one.summary.domains.values()]
    lowest = min(accuracies, default=0.0)
    best = {domain: _best(candidates, domain) for domain in domains}
    plots = []
    for number, domain in enumerate(domains[:MAX_PLOTS]):
        history = _accuracies(candidates, domain)
        ringed = next((i for i, one in enumerate(candidates) if one is best[domain]), None)
        plot = draw_accuracy_history(domain, number, history, pushed, lowest, ringed)
        plots.append((domain, plot))
    return write_page(
        workspace.root / FILE,
        "history.html.j2",
        name=workspace.root.name,
        candidates=candidates,
        domains=domains,
        plots=plots,
        best=best,
        batches=batches,
        rollbacks=find_rollbacks(
            workspace.root, [(batch.digest, batch.version) for batch in batches]
        ),
        damaged=damaged,
    )


def _best(candidates: list[Candidate], domain: str) -> Candidate | None:
    """Return the candidate that was best in a domain among those that are versions now."""
    versions = [
        one
        for one in candidates
        if one.outcome in ("pushed", "accepted") and domain in one.summary.domains
    ]
    return max(versions, key=lambda one: one.summary.domains[domain].accuracy, default=None)


def find_damaged(workspace: Workspace) -> list[str]:
    """Return what is wrong with every run and version that a damaged file keeps off the page."""
    messages = []
    for folder in _ended_runs(workspace):
        try:
            Summary.read(folder)
        except InputError as error:
            messages.append(str(error))
    for store in find_stores(workspace.root):
        messages += map(str, store.damaged_pushes().values())
    return messages


def _ended_runs(workspace: Workspace) -> list[Path]:
    return sorted(path.parent for path in workspace.runs.glob("*/summary.json"))


def read_candidates(workspace: Workspace, batches: Sequence[LedgerBatch]) -> list[Candidate]:
    """Return all candidates of a workspace, the oldest first.

    A run that pushed nothing because its model was served already has no candidate. A run whose
    summary is damaged is left out, with a line on stderr.

    Args:
        workspace: Workspace with the runs and the versions.
        batches: All batches of the ledger of the workspace.
    """
    versions = read_model_versions(workspace)
    names: dict[str, list[str]] = {}
    for batch in batches:
        names.setdefault(batch.run_id or "", []).append(batch.name)
    candidates = []
    for folder in _ended_runs(workspace):
        try:
            summary = Summary.read(folder)
        except InputError as error:
            print_line(f"carryover: a run is left out: {error}", to_stderr=True)
            continue
        if summary.domains and (summary.new_version or summary.status in NOT_PUSHED):
            candidates.append(_candidate(summary, versions, names.get(folder.name, [])))
    return candidates


def _candidate(
    summary: Summary, versions: dict[str, ModelVersion], batches: list[str]
) -> Candidate:
    if summary.run_id not in versions:  # its version was removed, or its record is damaged
        outcome, number = "pushed", summary.pushed_version
        if summary.status in NOT_PUSHED:
            outcome, number = NOT_PUSHED[summary.status], None
        return Candidate(summary, outcome, number, batches, summary.reasons)
    version = versions[summary.run_id]
    outcome = "accepted" if version.push.accepted else "pushed"
    if version.rollback:
        outcome = "rolled back"
    reasons = [*summary.reasons, *version.later_reasons]
    return Candidate(summary, outcome, version.number, batches, reasons)


def _accuracies(candidates: list[Candidate], domain: str) -> list[float | None]:
    """Return the accuracy of every candidate in a domain; None if it was not tested there."""
    results = (one.summary.domains.get(domain) for one in candidates)
    return [result.accuracy if result else None for result in results]

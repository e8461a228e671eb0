"""What a run came to, in words."""

from dataclasses import dataclass
from typing import Literal

from pipeline.summary.summary_schema import Domain, Summary


@dataclass(frozen=True)
class Verdict:
    """The first thing that a report says.

    Attributes:
        mood: good, doubtful or bad.
        title: the verdict.
        reasons: for it, a sentence each.
    """

    mood: Literal["good", "doubtful", "bad"]
    title: str
    reasons: list[str]


def read_verdict(summary: Summary) -> Verdict:
    """The verdict of a run."""
    if summary.status == "failed":
        return Verdict("bad", "Failed: nothing was pushed", summary.reasons)
    if summary.status == "not_blessed":
        serves = summary.baseline_version
        still = f"; version {serves} still serves" if serves else ""
        return Verdict("doubtful", f"Not pushed{still}", summary.reasons)
    if not summary.new_version:
        title = f"Nothing new to push: this model serves as version {summary.pushed_version}"
        return Verdict("good", title, summary.reasons)
    return Verdict("good", f"Pushed version {summary.pushed_version}", summary.reasons)


@dataclass(frozen=True)
class DomainRow:
    """A domain of the test split, and what its gate says.

    Attributes:
        name: of the domain.
        result: of the summary.
        change: of the accuracy against the baseline; None without one.
        failures: of its gate; none where it passed.
    """

    name: str
    result: Domain
    change: float | None
    failures: list[str]


def read_domains(summary: Summary) -> list[DomainRow]:
    """A row per domain, in name order."""
    rows = []
    for name, result in summary.domains.items():
        before = result.baseline_accuracy
        start = f"domain '{name}': "
        failures = [one.removeprefix(start) for one in summary.reasons if one.startswith(start)]
        change = None if before is None else result.accuracy - before
        rows.append(DomainRow(name, result, change, failures))
    return rows

"""Verdict of a run, and the results of its domains."""

from dataclasses import dataclass
from typing import Literal

from pipeline.report.model_versions import ModelVersion
from pipeline.summary.summary_schema import Domain, Summary


@dataclass(frozen=True)
class Verdict:
    """Headline of the report.

    Attributes:
        level: `good`, `doubtful` or `bad`; it sets the colour.
        title: Outcome of the run.
        reasons: Reasons for the outcome, one sentence each.
    """

    level: Literal["good", "doubtful", "bad"]
    title: str
    reasons: list[str]


def read_verdict(summary: Summary, version: ModelVersion | None = None) -> Verdict:
    """Return the verdict of a run, and what became of its model later.

    Args:
        summary: Summary of the run.
        version: Version that its model is now, or was before a rollback; None without one.
    """
    reasons = [*summary.reasons, *(version.later_reasons if version else [])]
    if version and version.rollback:
        return Verdict("doubtful", f"Version {version.number}, rolled back since", reasons)
    if version and version.push.accepted:
        before = "Labels missing" if summary.status == "awaiting_labels" else "Not blessed"
        return Verdict("doubtful", f"{before}, and accepted as version {version.number}", reasons)
    if summary.status == "failed":
        return Verdict("bad", "Failed: nothing was pushed", summary.reasons)
    if summary.status == "awaiting_labels":
        return Verdict("doubtful", "Not pushed yet: labels decide", summary.reasons)
    if summary.status == "not_blessed":
        baseline = summary.baseline_version
        remains = f": version {baseline} remains the serving version" if baseline else ""
        return Verdict("doubtful", f"Not pushed{remains}", summary.reasons)
    if not summary.new_version:
        title = f"Nothing new to push: this model is already version {summary.pushed_version}"
        return Verdict("good", title, summary.reasons)
    return Verdict("good", f"Pushed version {summary.pushed_version}", summary.reasons)


@dataclass(frozen=True)
class DomainRow:
    """Result of one domain on the test split.

    Attributes:
        name: Name of the domain.
        result: Metrics of the candidate and of the baseline.
        failures: Reasons why the gate rejected the candidate in this domain; empty if it passed.
    """

    name: str
    result: Domain
    failures: list[str]


def read_domain_rows(summary: Summary) -> list[DomainRow]:
    """Return a row per domain, in the order of the summary.

    Args:
        summary: Summary of the run.
    """
    rows = []
    for name, result in summary.domains.items():
        prefix = f"domain '{name}': "
        failures = [one.removeprefix(prefix) for one in summary.reasons if one.startswith(prefix)]
        rows.append(DomainRow(name, result, failures))
    return rows

"""Counts of pictures and rejects, from short rows."""

from components.data_gate.findings import Finding
from components.data_gate.statistics.counts import Counts, count_pictures


def tiny_counts(
    examples: list[tuple[str, str, str, int]], rejects: list[tuple[str, str, int]] | None = None
) -> Counts:
    """Count rows of split, domain, label, count; and of domain, reason, count."""
    return count_pictures(
        {
            "examples": [
                {"split": split, "domain": domain, "label": label, "count": n}
                for split, domain, label, n in examples
            ],
            "rejects": [
                {"domain": domain, "label": "cat", "reason": reason, "count": n}
                for domain, reason, n in rejects or []
            ],
        }
    )


def texts(findings: list[Finding]) -> dict[str, str]:
    """Kind of finding -> text."""
    return {finding.kind: finding.text for finding in findings}

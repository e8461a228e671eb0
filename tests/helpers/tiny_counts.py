"""Counts of pictures and rejects, from short rows."""

from components.data_gate.findings import Finding
from components.data_gate.statistics.counts import Counts, count_pictures


def tiny_counts(
    examples: list[tuple[str, str, str, int]],
    rejects: list[tuple[str, str, int]] | None = None,
    cross_fitted: list[tuple[str, str, int]] | None = None,
) -> Counts:
    """Count rows of split, domain, label, count; of domain, reason, count; and without a split."""
    return count_pictures(
        {
            "examples": [
                {"split": split, "domain": domain, "label": label, "count": n}
                for split, domain, label, n in examples
            ],
            "cross_fitted": [
                {"domain": domain, "label": label, "count": n}
                for domain, label, n in cross_fitted or []
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

"""Findings about files that cannot be used."""

from collections import Counter

from components.data_gate.findings import Finding
from components.data_gate.statistics.counts import Counts
from trainer_module.contract.output_text.wording import listed, quoted


def reject_findings(counts: Counts, limit: float) -> list[Finding]:
    """Return a finding about too many rejected files, in all or in some domain.

    Args:
        counts: Pictures and rejects of the run.
        limit: Largest share of rejected files that is allowed, 0 to 1.
    """
    groups = {"all files": (counts.usable, sum(counts.rejects.values(), Counter()))}
    for domain, reasons in counts.rejects.items():
        if domain:
            usable = counts.domains.get(domain, Counter()).total()
            groups[f"domain {quoted(domain)}"] = (usable, reasons)
    above = [
        _describe(name, usable, reasons)
        for name, (usable, reasons) in groups.items()
        if reasons.total() > limit * (usable + reasons.total())
    ]
    if not above:
        return []
    text = f"More than {limit:.0%} of the files cannot be used: {listed(above)}."
    return [Finding(kind="rejects", severity="error", text=text)]


def _describe(name: str, usable: int, reasons: Counter[str]) -> str:
    rejected = reasons.total()
    reason, _ = reasons.most_common(1)[0]
    return f"{name} {rejected:,} of {usable + rejected:,} (mostly: {reason})"

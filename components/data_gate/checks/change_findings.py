"""Findings about classes and domains that are new or missing, compared with the baseline."""

from components.data_gate.checks.drift_findings import TRAINING_DATA
from components.data_gate.findings import Finding, describe_counts, new_class_finding
from components.data_gate.statistics.counts import Counts
from components.data_gate.statistics.differences import describe, differences
from components.data_gate.statistics.known_names import KnownNames
from components.data_gate.statistics.split_statistics import SplitStatistics
from trainer_module.contract.output_text.wording import counted, quoted


def change_findings(
    counts: Counts,
    train: SplitStatistics,
    baseline: SplitStatistics,
    known: KnownNames,
    limit: float,
) -> list[Finding]:
    """Return findings about new and missing classes and domains.

    Args:
        counts: Pictures of the run, over all splits.
        train: Statistics of the training split.
        baseline: Statistics of the training split of the baseline.
        known: Names that the baseline knows.
        limit: Tolerated divergence, see `distributions.Divergence`.
    """
    new_classes = {
        name: splits.total() for name, splits in counts.classes.items() if name not in known.classes
    }
    lost_classes = {
        name: n for name, n in baseline.overall.classes.items() if name not in counts.classes
    }
    lost_domains = {
        name: domain.count
        for name, domain in baseline.domains.items()
        if name not in counts.domains
    }
    findings = []
    if new_classes:
        findings.append(new_class_finding(new_classes))
    if lost_classes:
        text = (
            "The serving model was trained on these classes, which have no pictures now: "
            f"{describe_counts(lost_classes)}."
        )
        findings.append(Finding(kind="vanished_class", severity="error", text=text))
    if lost_domains:
        text = (
            "The serving model was trained on these domains, which have no pictures now: "
            f"{describe_counts(lost_domains)}."
        )
        findings.append(Finding(kind="vanished_domain", severity="error", text=text))
    new_domains = [name for name in counts.domains if name not in known.domains]
    return findings + [
        _new_domain(name, counts.domains[name].total(), train, baseline, limit)
        for name in new_domains
    ]


def _new_domain(
    domain: str, pictures: int, train: SplitStatistics, baseline: SplitStatistics, limit: float
) -> Finding:
    text = f"Domain {quoted(domain)} is new ({counted(pictures, 'picture')})"
    if domain in train.domains:
        found = differences(train.domains[domain], baseline.overall, TRAINING_DATA, limit)
        text += f": {describe(found) or 'no clear difference from the training data so far'}"
    return Finding(kind="new_domain", severity="information", text=f"{text}.")

"""Section about the gate: change of the recall in every class, and what the gate can see."""

from dataclasses import dataclass

from pipeline.summary.summary_schema import ClassResult, Domain, MetricResult, Summary

#: Classes with a row in the matrix. Of more classes, those with the largest losses have one.
MAX_CLASSES = 40


@dataclass(frozen=True)
class GateSection:
    """Contents of the section about the gate.

    Attributes:
        domains: Names of the columns of the matrix.
        rows: Class, and its result in every domain; None where the domain has no test picture of
            it, or is new.
        num_hidden: Number of classes without a row.
        power: Name and results of every domain that has a gate of losses.
        metrics: Domain, name and result of every metric in `gate.metrics`.
    """

    domains: list[str]
    rows: list[tuple[str, list[ClassResult | None]]]
    num_hidden: int
    power: list[tuple[str, Domain]]
    metrics: list[tuple[str, str, MetricResult]]


def read_gate_section(summary: Summary) -> GateSection | None:
    """Return the contents of the section; None for a run without a baseline.

    Args:
        summary: Summary of the run.
    """
    domains = {
        name: domain for name, domain in summary.domains.items() if domain.classes or domain.metrics
    }
    if not domains:
        return None
    labels = {label for domain in domains.values() for label in domain.classes}
    ordered = sorted(labels, key=lambda label: (_largest_loss(label, domains), label))
    shown = set(ordered[:MAX_CLASSES])
    return GateSection(
        domains=list(domains),
        rows=[
            (label, [domain.classes.get(label) for domain in domains.values()])
            for label in sorted(shown)
        ],
        num_hidden=len(labels) - len(shown),
        power=list(domains.items()),
        metrics=[
            (name, metric, result)
            for name, domain in domains.items()
            for metric, result in domain.metrics.items()
        ],
    )


def change_of(result: ClassResult) -> float:
    """Return the change in the recall of a class, -1 to 1."""
    return result.recall - (result.baseline_recall or 0.0)


def _largest_loss(label: str, domains: dict[str, Domain]) -> float:
    """Return the lowest change of a class; of classes with a failed gate it is below all others."""
    results = [domain.classes[label] for domain in domains.values() if label in domain.classes]
    return min(change_of(result) - 2 * (not result.passed) for result in results)

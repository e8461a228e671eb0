"""Findings about pictures that differ from the baseline's, between splits or between domains."""

from components.data_gate.findings import Finding
from components.data_gate.statistics.differences import (
    MAX_LISTED,
    Difference,
    describe,
    describe_limit,
    differences,
    largest_first,
)
from components.data_gate.statistics.distributions import (
    compare_classes,
    is_detectable,
    leave_one_out,
)
from components.data_gate.statistics.split_statistics import (
    NUMERIC_FEATURES,
    PictureStatistics,
    SplitStatistics,
)
from trainer_module.contract.output_text.wording import counted, listed, quoted

#: Template for a value of this run and one of the baseline's training data.
TRAINING_DATA = "{}, training data {}"


def drift_findings(
    train: SplitStatistics, baseline: SplitStatistics, limit: float
) -> list[Finding]:
    """Return findings about domains that differ from the baseline's training data.

    Args:
        train: Statistics of the training split.
        baseline: Statistics of the training split of the baseline.
        limit: Tolerated divergence, see `distributions.Divergence`.
    """
    findings = []
    for domain in _shared_domains(train, baseline):
        found = differences(train.domains[domain], baseline.domains[domain], TRAINING_DATA, limit)
        if found:
            text = (
                f"Domain {quoted(domain)} differs from the training data of the serving model: "
                f"{describe(found)} {describe_limit(found, limit)}."
            )
            findings.append(Finding(kind="drift", severity="warning", text=text))
    return findings


def balance_findings(
    train: SplitStatistics, baseline: SplitStatistics, limit: float
) -> list[Finding]:
    """Return findings about domains whose class balance differs from the baseline's training data.

    Classes that are new or missing altogether are findings of their own, and left out.

    Args:
        train: Statistics of the training split.
        baseline: Statistics of the training split of the baseline.
        limit: Tolerated divergence.
    """
    known = train.overall.classes.keys() & baseline.overall.classes.keys()
    findings = []
    for domain in _shared_domains(train, baseline):
        current = _only(train.domains[domain], known)
        reference = _only(baseline.domains[domain], known)
        if not current or not reference:
            continue
        divergence = compare_classes(current, reference)
        if divergence.exceeds(limit):
            largest = [Difference(divergence, _shares(current, reference))]
            text = (
                f"The class balance of domain {quoted(domain)} differs from the training data of "
                f"the serving model: {describe(largest)} {describe_limit(largest, limit)}."
            )
            findings.append(Finding(kind="balance_drift", severity="warning", text=text))
    return findings


def skew_findings(
    train: SplitStatistics, others: dict[str, SplitStatistics], limit: float
) -> list[Finding]:
    """Return findings about domains that differ between the training split and the others.

    Args:
        train: Statistics of the training split.
        others: Statistics of the other splits, by name.
        limit: Tolerated divergence.
    """
    findings = []
    for domain, training in train.domains.items():
        found = []
        for split, statistics in others.items():
            if domain in statistics.domains:
                template = f"{{}} in {split}, {{}} in train"
                found += differences(statistics.domains[domain], training, template, limit)
        if found:
            found = largest_first(found)
            text = (
                f"Domain {quoted(domain)} differs between the splits: "
                f"{describe(found)} {describe_limit(found, limit)}."
            )
            findings.append(Finding(kind="skew", severity="warning", text=text))
    return findings


def shift_findings(train: SplitStatistics, skip: set[str], limit: float) -> list[Finding]:
    """Return findings about domains that differ from all other domains together.

    Args:
        train: Statistics of the training split.
        skip: Domains whose differences are in another finding already.
        limit: Tolerated divergence.
    """
    findings = []
    for domain, others in _other_domains(train.domains).items():
        found = differences(train.domains[domain], others, "{}, others {}", limit)
        if found and domain not in skip:
            text = f"Domain {quoted(domain)} differs from the other domains: {describe(found)}."
            findings.append(Finding(kind="shift", severity="information", text=text))
    return findings


def too_few_findings(
    train: SplitStatistics,
    others: dict[str, SplitStatistics],
    baseline: SplitStatistics | None,
    limit: float,
) -> list[Finding]:
    """Return a finding about domains with too few pictures to tell drift and skew from chance.

    Args:
        train: Statistics of the training split.
        others: Statistics of the other splits, by name.
        baseline: Statistics of the training split of the baseline, None for the first run.
        limit: Tolerated divergence.
    """
    compared = dict(others)
    if baseline:
        compared["the training data of the serving model"] = baseline
    small = [
        f"{quoted(domain)} with {counted(training.count, 'picture')} in train and "
        f"{statistics.domains[domain].count:,} in {name}"
        for domain, training in train.domains.items()
        for name, statistics in compared.items()
        if domain in statistics.domains
        and not is_detectable(training.count, statistics.domains[domain].count, limit)
    ]
    if not small:
        return []
    text = f"There are too few pictures to detect drift and skew: domain {listed(small)}."
    return [Finding(kind="too_few_to_compare", severity="information", text=text)]


def _shared_domains(train: SplitStatistics, baseline: SplitStatistics) -> list[str]:
    return [domain for domain in train.domains if domain in baseline.domains]


def _only(pictures: PictureStatistics, classes: set[str]) -> dict[str, int]:
    return {name: count for name, count in pictures.classes.items() if name in classes}


def _shares(current: dict[str, int], reference: dict[str, int]) -> str:
    """Classes whose shares differ most."""
    first, second = sum(current.values()), sum(reference.values())
    pairs = {
        name: (current.get(name, 0) / first, reference.get(name, 0) / second)
        for name in sorted(current.keys() | reference.keys())
    }
    largest = sorted(pairs, key=lambda name: -abs(pairs[name][0] - pairs[name][1]))[:MAX_LISTED]
    return "; ".join(
        f"{quoted(name)} {TRAINING_DATA.format(*(f'{share:.0%}' for share in pairs[name]))}"
        for name in largest
    )


def _other_domains(domains: dict[str, PictureStatistics]) -> dict[str, PictureStatistics]:
    """For each domain the statistics of all others together, without their classes."""
    if len(domains) < 2:
        return {}
    parts = domains.values()
    total = sum(part.count for part in parts)
    numeric = {
        name: leave_one_out([part.numeric[name] for part in parts])
        for name in NUMERIC_FEATURES
        if all(name in part.numeric for part in parts)
    }
    return {
        domain: PictureStatistics(
            count=total - part.count,
            numeric={name: others[position] for name, others in numeric.items()},
            classes={},
        )
        for position, (domain, part) in enumerate(domains.items())
    }

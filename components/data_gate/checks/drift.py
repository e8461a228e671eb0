"""Do pictures look as they used to, in all splits, and like those of the other domains?"""

from components.data_gate.findings import Finding
from components.data_gate.statistics.differences import (
    NAMED,
    Difference,
    against_the_limit,
    differences,
    in_words,
    largest_first,
)
from components.data_gate.statistics.distributions import comparable, compare_classes, of_the_others
from components.data_gate.statistics.split_statistics import NUMBERS, Slice, SplitStatistics
from components.data_gate.wording import counted, listed, quoted

#: How texts put a number of now, and one of what the serving model was trained on.
TRAINED_ON = "{}, training data {}"


def drift_findings(now: SplitStatistics, then: SplitStatistics, limit: float) -> list[Finding]:
    """Domains that look unlike their training pictures of the model that serves.

    Args:
        now: of the training split.
        then: the same of the model that serves.
        limit: distance that is tolerated, see `distributions.Divergence`.
    """
    findings = []
    for domain in _in_both(now, then):
        found = differences(now.domains[domain], then.domains[domain], TRAINED_ON, limit)
        if found:
            text = (
                f"domain {quoted(domain)} drifts from the training data of the model that serves: "
                f"{in_words(found)} {against_the_limit(found, limit)}"
            )
            findings.append(Finding(kind="drift", severity="warning", text=text))
    return findings


def balance_findings(now: SplitStatistics, then: SplitStatistics, limit: float) -> list[Finding]:
    """Domains whose classes come more or less often than they used to.

    Classes that are new or gone altogether are findings of their own, and left out.

    Args:
        now: of the training split.
        then: the same of the model that serves.
        limit: distance that is tolerated.
    """
    known = now.overall.classes.keys() & then.overall.classes.keys()
    findings = []
    for domain in _in_both(now, then):
        here, there = (_only(part.domains[domain], known) for part in (now, then))
        if not here or not there:
            continue
        divergence = compare_classes(here, there)
        if divergence.exceeds(limit):
            largest = [Difference(divergence, _shares(here, there))]
            text = (
                f"domain {quoted(domain)} holds its classes in other shares than the training data "
                f"of the model that serves: {in_words(largest)} {against_the_limit(largest, limit)}"
            )
            findings.append(Finding(kind="balance_drift", severity="warning", text=text))
    return findings


def skew_findings(
    train: SplitStatistics, others: dict[str, SplitStatistics], limit: float
) -> list[Finding]:
    """Domains that look different in the splits that models are chosen and tested on.

    Args:
        train: of the training split.
        others: by name of the split.
        limit: distance that is tolerated.
    """
    findings = []
    for domain, training in train.domains.items():
        found = []
        for split, statistics in others.items():
            if domain in statistics.domains:
                words = f"{{}} in {split}, {{}} in train"
                found += differences(statistics.domains[domain], training, words, limit)
        if found:
            found = largest_first(found)
            text = (
                f"domain {quoted(domain)} is not the same in all splits: "
                f"{in_words(found)} {against_the_limit(found, limit)}"
            )
            findings.append(Finding(kind="skew", severity="warning", text=text))
    return findings


def shift_findings(train: SplitStatistics, skip: set[str], limit: float) -> list[Finding]:
    """Domains that look unlike all others together.

    Args:
        train: of the training split.
        skip: domains that something like it is said of already.
        limit: distance that is tolerated.
    """
    findings = []
    for domain, others in _others(train.domains).items():
        found = differences(train.domains[domain], others, "{}, others {}", limit)
        if found and domain not in skip:
            text = f"domain {quoted(domain)} drifts from the other domains: {in_words(found)}"
            findings.append(Finding(kind="shift", severity="information", text=text))
    return findings


def too_few_findings(
    train: SplitStatistics,
    others: dict[str, SplitStatistics],
    then: SplitStatistics | None,
    limit: float,
) -> list[Finding]:
    """Domains with so few pictures that no drift and no skew could be told from chance.

    Args:
        train: of the training split.
        others: of the other splits, by name.
        then: of the model that serves, None for the first run.
        limit: distance that is tolerated.
    """
    compared = dict(others)
    if then:
        compared["the training data of the model that serves"] = then
    small = [
        f"{quoted(domain)} with {counted(training.count, 'picture')} in train and "
        f"{part.domains[domain].count:,} in {name}"
        for domain, training in train.domains.items()
        for name, part in compared.items()
        if domain in part.domains
        and not comparable(training.count, part.domains[domain].count, limit)
    ]
    if not small:
        return []
    text = f"too small to look for drift and skew: domain {listed(small)}"
    return [Finding(kind="too_few_to_compare", severity="information", text=text)]


def _in_both(now: SplitStatistics, then: SplitStatistics) -> list[str]:
    return [domain for domain in now.domains if domain in then.domains]


def _only(pictures: Slice, classes: set[str]) -> dict[str, int]:
    return {name: count for name, count in pictures.classes.items() if name in classes}


def _shares(here: dict[str, int], there: dict[str, int]) -> str:
    """Classes whose shares differ most."""
    first, second = sum(here.values()), sum(there.values())
    pairs = {
        name: (here.get(name, 0) / first, there.get(name, 0) / second)
        for name in sorted(here.keys() | there.keys())
    }
    largest = sorted(pairs, key=lambda name: -abs(pairs[name][0] - pairs[name][1]))[:NAMED]
    return "; ".join(
        f"{quoted(name)} {TRAINED_ON.format(*(f'{share:.0%}' for share in pairs[name]))}"
        for name in largest
    )


def _others(domains: dict[str, Slice]) -> dict[str, Slice]:
    """For each domain what is known of all others, but for their classes."""
    if len(domains) < 2:
        return {}
    parts = domains.values()
    total = sum(part.count for part in parts)
    numbers = {
        name: of_the_others([part.numbers[name] for part in parts])
        for name in NUMBERS
        if all(name in part.numbers for part in parts)
    }
    return {
        domain: Slice(
            count=total - part.count,
            numbers={name: others[place] for name, others in numbers.items()},
            classes={},
        )
        for place, (domain, part) in enumerate(domains.items())
    }

"""Classes and domains that came or went since the model that serves was trained."""

from components.data_gate.checks.drift import TRAINED_ON
from components.data_gate.findings import Finding
from components.data_gate.statistics.counts import Counts
from components.data_gate.statistics.differences import differences, in_words
from components.data_gate.statistics.split_statistics import SplitStatistics
from components.data_gate.wording import counted, listed, quoted


def change_findings(
    counts: Counts, now: SplitStatistics, then: SplitStatistics, limit: float
) -> list[Finding]:
    """What is new, and what is gone.

    Args:
        counts: of the run, over all splits.
        now: of the training split.
        then: the same of the model that serves.
        limit: distance that is tolerated, see `distributions.Divergence`.
    """
    old_classes = then.overall.classes
    new_classes = {
        name: splits.total() for name, splits in counts.classes.items() if name not in old_classes
    }
    lost_classes = {name: n for name, n in old_classes.items() if name not in counts.classes}
    lost_domains = {
        name: part.count for name, part in then.domains.items() if name not in counts.domains
    }
    findings = []
    if new_classes:
        text = f"classes that the model that serves does not know: {_with_pictures(new_classes)}"
        findings.append(Finding(kind="new_class", severity="error", text=text))
    if lost_classes:
        text = (
            "classes that the model that serves was trained on have no pictures now: "
            f"{_with_pictures(lost_classes)}"
        )
        findings.append(Finding(kind="vanished_class", severity="error", text=text))
    if lost_domains:
        text = (
            "domains that the model that serves was trained on have no pictures now: "
            f"{_with_pictures(lost_domains)}"
        )
        findings.append(Finding(kind="vanished_domain", severity="error", text=text))
    new_domains = [name for name in counts.domains if name not in then.domains]
    return findings + [
        _new_domain(name, counts.domains[name].total(), now, then, limit) for name in new_domains
    ]


def _new_domain(
    domain: str, pictures: int, now: SplitStatistics, then: SplitStatistics, limit: float
) -> Finding:
    text = f"domain {quoted(domain)} is new ({counted(pictures, 'picture')})"
    if domain in now.domains:
        found = differences(now.domains[domain], then.overall, TRAINED_ON, limit)
        text += f": {in_words(found) or 'no clear difference from the training data so far'}"
    return Finding(kind="new_domain", severity="information", text=text)


def _with_pictures(names: dict[str, int]) -> str:
    return listed(
        f"{quoted(name)} ({counted(pictures, 'picture')})"
        for name, pictures in sorted(names.items())
    )

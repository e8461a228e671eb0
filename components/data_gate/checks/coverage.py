"""Are there enough pictures of every domain and class, in every split?"""

from collections import Counter
from collections.abc import Iterable

from components.data_gate.findings import Finding, Severity
from components.data_gate.statistics.counts import Counts
from components.data_gate.wording import counted, listed, named, quoted

#: Fewer test pictures say little: with 30, chance alone moves an accuracy of 0.8 by 0.07 (one
#: standard error of a share).
TEST_PICTURES = 30

#: Fewer pictures of a class cannot be in all three splits.
CLASS_PICTURES = 3


def domain_findings(counts: Counts) -> list[Finding]:
    """Domains that cannot be tested, or hardly, and what they do not share."""
    # A domain whose files were all rejected has its gate nevertheless.
    all_domains = sorted({*counts.domains, *(domain for domain in counts.rejects if domain)})
    tested = {name: counts.domains.get(name, Counter())["test"] for name in all_domains}
    untestable = [name for name, pictures in tested.items() if not pictures]
    small = [
        f"{quoted(name)} ({pictures}, each worth {1 / pictures:.3f} of its accuracy)"
        for name, pictures in tested.items()
        if 0 < pictures < TEST_PICTURES
    ]
    return [
        *_finding(
            "untestable_domain",
            "error",
            untestable,
            f"no test pictures in {named('domain', untestable)}: no model can pass there. "
            "Add pictures, enlarge split.test, or take the domain out",
        ),
        *_finding(
            "small_test",
            "warning",
            small,
            f"fewer than {TEST_PICTURES} test pictures in domain {listed(small)}",
        ),
        *_finding(
            "one_domain",
            "information",
            list(counts.domains) if len(counts.domains) == 1 else [],
            f"{named('domain', counts.domains)} is the only one: "
            "nothing is known of how a model does elsewhere",
        ),
    ]


def class_findings(counts: Counts, empty_folders: Iterable[tuple[str, str]]) -> list[Finding]:
    """Classes that cannot be learned or tested, or hardly.

    Args:
        counts: of the run.
        empty_folders: (domain, class) whose folder holds no files.
    """
    classes = counts.classes
    tiny = [name for name, splits in classes.items() if splits.total() < CLASS_PICTURES]
    larger = {name: splits for name, splits in classes.items() if name not in set(tiny)}
    untrained = [name for name, splits in larger.items() if not splits["train"]]
    untested = [name for name, splits in larger.items() if not splits["test"]]
    sizes = [f"{quoted(name)} ({counted(classes[name].total(), 'picture')})" for name in tiny]
    only = list(classes) if len(classes) == 1 else []
    unusable = {*empty_folders, *(counts.rejected_pairs - counts.pairs)}
    empty = [quoted(f"{domain}/{name}") for domain, name in sorted(unusable)]
    return [
        *_finding(
            "one_class",
            "error",
            only,
            f"{named('class', only)} is the only one: there is nothing to tell apart",
        ),
        *_finding(
            "tiny_class",
            "warning",
            tiny,
            f"fewer than {CLASS_PICTURES} pictures of class {listed(sizes)}: "
            "too few to train, choose and test on",
        ),
        *_finding(
            "untrained_class",
            "warning",
            untrained,
            f"no training pictures of {named('class', untrained)}: no model can learn that",
        ),
        *_finding(
            "untested_class",
            "warning",
            untested,
            f"no test pictures of {named('class', untested)}: nobody will know how well that works",
        ),
        *_finding(
            "empty_class",
            "warning",
            empty,
            f"no usable picture in folder {listed(empty)}",
        ),
        *_missing_classes(counts),
    ]


def _missing_classes(counts: Counts) -> list[Finding]:
    classes = list(counts.classes)
    lacking = []
    for domain in counts.domains:
        missing = [name for name in classes if (domain, name) not in counts.pairs]
        if missing:
            lacking.append(
                f"domain {quoted(domain)} lacks {len(missing):,} of {len(classes):,} "
                f"({', '.join(quoted(name) for name in missing[:3])}"
                f"{', ...' if len(missing) > 3 else ''})"
            )
    text = f"not every domain has all classes: {listed(lacking)}" if lacking else ""
    return _finding("missing_classes", "information", lacking, text)


def _finding(kind: str, severity: Severity, about: list[str], text: str) -> list[Finding]:
    return [Finding(kind=kind, severity=severity, text=text)] if about else []

"""Findings about domains and classes with too few pictures, in any split."""

from collections.abc import Collection, Iterable

from components.data_gate.findings import Finding, Severity
from components.data_gate.statistics.counts import Counts
from trainer_module.contract.output_text.wording import counted, listed, named, plural, quoted

#: With fewer test pictures an accuracy is too uncertain. With 30, the standard error of an accuracy
#: of 0.8 is 0.07.
MIN_TEST_PICTURES = 30

#: Fewer pictures of a class cannot be in all three splits.
MIN_CLASS_PICTURES = 3


def domain_findings(counts: Counts, unverified: Collection[str] = ()) -> list[Finding]:
    """Return findings about domains that cannot be tested, or only badly.

    Args:
        counts: Pictures of the run.
        unverified: Domains in which no picture has a label; they need no test pictures.
    """
    # A domain whose files were all rejected has its gate nevertheless.
    all_domains = sorted({*counts.domains, *(domain for domain in counts.rejects if domain)})
    tested = {name: counts.tested_domains[name] for name in all_domains}
    untested = [name for name, pictures in tested.items() if not pictures]
    untestable = [name for name in untested if name not in unverified]
    without_label = sorted(unverified)
    small = [
        f"{quoted(name)} ({pictures}, each worth {1 / pictures:.3f} of its accuracy)"
        for name, pictures in tested.items()
        if 0 < pictures < MIN_TEST_PICTURES
    ]
    only = list(counts.domains) if len(counts.domains) == 1 else []
    return [
        *_finding(
            "untestable_domain",
            "error",
            untestable,
            f"There are no test pictures in {named('domain', untestable)}, so no model can be "
            "blessed. Add pictures, enlarge split.test, or remove the domain.",
        ),
        *_finding(
            "unverified_domain",
            "warning",
            without_label,
            f"No picture in {named('domain', without_label)} has a label, so the accuracy there is "
            "unknown. Deliver labels of some pictures.",
        ),
        *_finding(
            "small_test",
            "warning",
            small,
            f"There are fewer than {MIN_TEST_PICTURES} test pictures in "
            f"{plural('domain', len(small))} {listed(small)}. Add pictures, or enlarge split.test.",
        ),
        *_finding(
            "one_domain",
            "information",
            only,
            f"There is only one domain, {listed(map(quoted, only))}. How a model does in another "
            "one is unknown.",
        ),
    ]


def class_findings(counts: Counts, empty_folders: Iterable[tuple[str, str]]) -> list[Finding]:
    """Return findings about classes that cannot be learned or tested, or only badly.

    Args:
        counts: Pictures of the run.
        empty_folders: Domain and class of each folder that holds no files.
    """
    classes = counts.classes
    tiny = [name for name, splits in classes.items() if splits.total() < MIN_CLASS_PICTURES]
    larger = {name: splits for name, splits in classes.items() if name not in set(tiny)}
    untrained = [name for name, splits in larger.items() if not splits["train"]]
    untested = [name for name in larger if not counts.tested_classes[name]]
    sizes = [f"{quoted(name)} ({counted(classes[name].total(), 'picture')})" for name in tiny]
    only = list(classes) if len(classes) == 1 else []
    unusable = {*empty_folders, *(counts.rejected_pairs - counts.pairs)}
    empty = [quoted(f"{domain}/{name}") for domain, name in sorted(unusable)]
    return [
        *_finding(
            "one_class",
            "error",
            only,
            f"There is only one class, {listed(map(quoted, only))}. Add pictures of another class.",
        ),
        *_finding(
            "tiny_class",
            "warning",
            tiny,
            f"There are fewer than {MIN_CLASS_PICTURES} pictures of {plural('class', len(tiny))} "
            f"{listed(sizes)}, too few for all three splits.",
        ),
        *_finding(
            "untrained_class",
            "warning",
            untrained,
            f"No model can learn {named('class', untrained)}, because there are no training "
            "pictures.",
        ),
        *_finding(
            "untested_class",
            "warning",
            untested,
            f"The accuracy on {named('class', untested)} is unknown, because there are no test "
            "pictures.",
        ),
        *_finding(
            "empty_class",
            "warning",
            empty,
            f"There is no usable picture in {plural('folder', len(empty))} {listed(empty)}.",
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
    text = f"Not every domain has all classes: {listed(lacking)}."
    return _finding("missing_classes", "information", lacking, text)


def _finding(kind: str, severity: Severity, affected: list[str], text: str) -> list[Finding]:
    return [Finding(kind=kind, severity=severity, text=text)] if affected else []

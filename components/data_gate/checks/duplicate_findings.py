"""Findings about pictures that are in the data more than once."""

from collections.abc import Iterator
from itertools import islice

from components.data_gate.checks.duplicates import LOOKALIKES, Duplicates, Pair, Picture
from components.data_gate.findings import Finding
from trainer_module.contract.output_text.wording import counted, quoted

#: Number of pairs that a finding names.
EXAMPLES = 3


def duplicate_findings(duplicates: Duplicates) -> list[Finding]:
    """Return findings about copies, contradicting labels and lookalikes.

    Lookalikes in one split and one domain are harmless, and no finding.

    Args:
        duplicates: Result of `duplicates.find_duplicates`.
    """
    return [*_copy_findings(duplicates), *_lookalike_findings(duplicates)]


def _copy_findings(duplicates: Duplicates) -> Iterator[Finding]:
    if duplicates.copies:
        text = (
            f"Found {counted(duplicates.copies, 'file')} with the content of another file. Every "
            f"copy counts in training: delete the copies that are not intended (see {LOOKALIKES})."
        )
        yield Finding(kind="copies", severity="information", text=text)
    if duplicates.conflicts:
        conflicts = (pair for pair in duplicates.pairs if pair.kind == "label_conflict")
        examples = "; ".join(_contradiction(pair) for pair in islice(conflicts, EXAMPLES))
        text = (
            f"Found {counted(duplicates.conflicts, 'picture')} under more than one label. Keep "
            f"each under the right label only (see {LOOKALIKES}): {examples}."
        )
        yield Finding(kind="label_conflict", severity="warning", text=text)


def _lookalike_findings(duplicates: Duplicates) -> Iterator[Finding]:
    least = "at least " if duplicates.truncated else ""
    if duplicates.across_splits:
        text = (
            f"Found {least}{counted(duplicates.across_splits, 'pair')} of pictures that look alike "
            "but are in different splits, so the test metrics are too optimistic. Give both the "
            f"same group in sidecar.csv or in a manifest, or delete one (see {LOOKALIKES}): "
            f"{_examples(duplicates, 'split')}."
        )
        yield Finding(kind="lookalike_splits", severity="warning", text=text)
    if duplicates.across_domains:
        text = (
            f"Found {least}{counted(duplicates.across_domains, 'pair')} of pictures that look "
            "alike but are in different domains. Check that each is in the right domain (see "
            f"{LOOKALIKES}): {_examples(duplicates, 'domain')}."
        )
        yield Finding(kind="lookalike_domains", severity="information", text=text)
    if len(duplicates.pairs) < duplicates.total or duplicates.truncated:
        text = (
            f"Found {least}{counted(duplicates.total, 'pair')} of copies and lookalikes, and "
            f"listed the {len(duplicates.pairs):,} most serious in {LOOKALIKES}. Remove those, "
            "and run again to list the others."
        )
        yield Finding(kind="many_lookalikes", severity="information", text=text)


def _contradiction(pair: Pair) -> str:
    first, second = pair.first, pair.second
    return (
        f"the same picture is {quoted(first.label)} and {quoted(second.label)}: "
        f"{_shown(first)}, {_shown(second)}"
    )


def _examples(duplicates: Duplicates, column: str) -> str:
    """The first pairs whose pictures differ in their `split` or `domain`, with both values."""
    pairs = (
        [(picture, getattr(picture, column)) for picture in (pair.first, pair.second)]
        for pair in duplicates.pairs
    )
    differing = (pair for pair in pairs if pair[0][1] != pair[1][1])
    return "; ".join(
        " and ".join(f"{_shown(picture)} ({value})" for picture, value in pair)
        for pair in islice(differing, EXAMPLES)
    )


def _shown(picture: Picture) -> str:
    return quoted(picture.image_id.decode("utf-8", "replace"))

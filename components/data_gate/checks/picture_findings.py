"""Findings about single pictures: what ingestion changed or ignored, and blank ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from components.data_gate.findings import Finding, Severity
from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features
from trainer_module.contract.output_text.wording import MAX_LISTED, counted, listed, quoted

#: Columns of the catalog, and kinds of findings -> text.
TEXTS = {
    "colour_profile": "Ignored the colour profile of {}, as serving does.",
    "rewritten": "Stored {} as PNG, because TensorFlow decodes the original differently.",
    "more_pages": "Read only the first page or frame of {}.",
}

#: Other columns of the catalog.
VALUE_RANGE = "value_range"
BLANK = "blank"

#: List of the blank pictures in the folder of a run.
BLANK_PICTURES = "blank.csv"


@dataclass
class _Pictures:
    """What the catalog says.

    Attributes:
        changed: Number of pictures by key of `TEXTS`.
        ranges: Number of pictures by domain and value range.
        blank: Number of blank pictures by domain.
        examples: Texts about the first blank pictures.
    """

    changed: Counter[str] = field(default_factory=Counter)
    ranges: dict[str, Counter[str]] = field(default_factory=dict)
    blank: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


def picture_findings(catalog_uri: str) -> list[Finding]:
    """Return findings about pictures that were changed or partly ignored, or are blank.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact. It is read chunk by chunk.
    """
    pictures = _Pictures()
    columns = [*TEXTS, VALUE_RANGE, BLANK, example_features.DOMAIN, example_features.IMAGE_ID]
    for table in read_catalog(catalog_uri, columns):
        _count(pictures, table)
    changed = pictures.changed
    return [
        *(
            _finding(kind, "information", text.format(counted(changed[kind], "picture")))
            for kind, text in TEXTS.items()
            if changed[kind]
        ),
        *_range_findings(pictures.ranges),
        *_blank_findings(pictures),
    ]


def _count(pictures: _Pictures, table: pa.Table) -> None:
    for name in TEXTS:
        pictures.changed[name] += pc.sum(table[name]).as_py() or 0
    for row in table.filter(pc.fill_null(pc.not_equal(table[VALUE_RANGE], ""), False)).to_pylist():
        ranges = pictures.ranges.setdefault(row[example_features.DOMAIN], Counter())
        ranges[row[VALUE_RANGE]] += 1
    for row in table.filter(pc.fill_null(pc.not_equal(table[BLANK], ""), False)).to_pylist():
        pictures.blank[row[example_features.DOMAIN]] += 1
        if len(pictures.examples) < MAX_LISTED:
            name = quoted(row[example_features.IMAGE_ID].decode("utf-8", "replace"))
            pictures.examples.append(f"{name} ({row[BLANK]})")


def _range_findings(ranges: dict[str, Counter[str]]) -> Iterator[Finding]:
    """Yield what was scaled: as a warning where a domain has pictures of different ranges."""
    one = [name for name in sorted(ranges) if len(ranges[name]) == 1]
    mixed = [name for name in sorted(ranges) if len(ranges[name]) > 1]
    if one:
        text = (
            "Scaled values of more than 8 bits to 8 bits, by the largest value of each picture: "
            f"{listed(_describe_ranges(name, ranges[name]) for name in one)}."
        )
        yield _finding(VALUE_RANGE, "information", text)
    if mixed:
        text = (
            "Scaled pictures of one domain from different ranges to 8 bits, so equal values differ "
            f"in brightness: {listed(_describe_ranges(name, ranges[name]) for name in mixed)}. If "
            "they should not, save the pictures with 8 bits."
        )
        yield _finding(VALUE_RANGE, "warning", text)


def _describe_ranges(domain: str, ranges: Counter[str]) -> str:
    parts = [f"{name} ({counted(ranges[name], 'picture')})" for name in sorted(ranges, key=_order)]
    return f"domain {quoted(domain)} from {listed(parts)}"


def _order(value_range: str) -> tuple[int, str]:
    return len(value_range), value_range


def _blank_findings(pictures: _Pictures) -> Iterator[Finding]:
    if pictures.blank:
        domains = [f"{quoted(name)} ({count:,})" for name, count in sorted(pictures.blank.items())]
        more = pictures.blank.total() - len(pictures.examples)
        text = (
            f"Found {counted(pictures.blank.total(), 'picture')} of one colour, or with a block of "
            f"one colour on one side, in {listed(domains)}. Look at them, and remove those that "
            f"are damaged: {', '.join(pictures.examples)}"
            f"{f' and {more:,} more' if more else ''} (see {BLANK_PICTURES})."
        )
        yield _finding("blank_pictures", "warning", text)


def _finding(kind: str, severity: Severity, text: str) -> Finding:
    return Finding(kind=kind, severity=severity, text=text)

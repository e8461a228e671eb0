"""The pictures of a run: how many, what they are like, what is wrong with them."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline.inspecting.domain_measures import DomainMeasures, read_domain_measures
from pipeline.report.run_record import RunRecord
from pipeline.report.thumbnails import thumbnail_of
from trainer_module.contract import example_features

#: Rows that are shown of lists that may be long.
MOST_REJECTS = 40
MOST_PAIRS = 20


@dataclass(frozen=True)
class Counts:
    """Usable pictures: by domain and split, and by class and domain.

    Attributes:
        splits: domain -> split -> pictures.
        classes: class -> domain -> pictures.
    """

    splits: dict[str, dict[str, int]]
    classes: dict[str, dict[str, int]]


@dataclass(frozen=True)
class File:
    """A file that is shown, with its thumbnail where there is one."""

    path: str
    facts: list[str]
    thumbnail: str | None


@dataclass(frozen=True)
class Pair:
    """Two files that are copies or look alike."""

    kind: str
    bits: int
    first: File
    second: File


@dataclass(frozen=True)
class DataFacts:
    """What is known of the pictures.

    Attributes:
        counts: None where the run ended before they were counted.
        measures: of every domain.
        rejects: the first files that could not be used.
        all_rejects: how many there are.
        pairs: the first copies and lookalikes.
        all_pairs: how many are listed.
    """

    counts: Counts | None
    measures: list[DomainMeasures]
    rejects: list[File]
    all_rejects: int
    pairs: list[Pair]
    all_pairs: int


def read_data_facts(record: RunRecord) -> DataFacts:
    """Read what ingestion and the data gate left behind."""
    root = record.summary.data_root
    catalog = record.output("ImageExampleGen", "catalog")
    inventory = record.output("ImageExampleGen", "rejects")
    rejects, pairs = record.folder / "rejects.csv", record.folder / "lookalikes.csv"
    return DataFacts(
        counts=_counts(inventory) if inventory else None,
        measures=read_domain_measures(catalog) if catalog else [],
        rejects=[_reject(row, root) for row in islice(_rows(rejects), MOST_REJECTS)],
        all_rejects=sum(1 for _ in _rows(rejects)),
        pairs=[_pair(row, root) for row in islice(_rows(pairs), MOST_PAIRS)],
        all_pairs=sum(1 for _ in _rows(pairs)),
    )


def _counts(rejects_uri: str) -> Counts:
    from components.image_example_gen.inventory import read_inventory

    splits: dict[str, Counter[str]] = {}
    classes: dict[str, Counter[str]] = {}
    for row in read_inventory(rejects_uri)["examples"]:
        domain, label, count = (
            row[example_features.DOMAIN],
            row[example_features.LABEL],
            row["count"],
        )
        splits.setdefault(domain, Counter())[row["split"]] += count
        classes.setdefault(label, Counter())[domain] += count
    return Counts(dict(sorted(splits.items())), dict(sorted(classes.items())))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a list that is there only if it is not empty."""
    if path.exists():
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            yield from csv.DictReader(file)


def _reject(row: dict[str, str], root: str) -> File:
    return File(
        row["path"],
        [row["reason"], f"{int(row['bytes'] or 0):,} bytes"],
        thumbnail_of(root, row["path"]),
    )


def _pair(row: dict[str, str], root: str) -> Pair:
    sides = [
        File(
            row[side],
            [
                row[f"{side}_{name}"]
                for name in (example_features.DOMAIN, example_features.LABEL, "split")
            ],
            thumbnail_of(root, row[side]),
        )
        for side in ("first", "second")
    ]
    return Pair(row["kind"].replace("_", " "), int(row["bits"]), *sides)

"""Section about the pictures of a run: numbers, statistics, rejects, blanks, lookalikes, labels."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pipeline import component_ids
from pipeline.report.run_record import RunRecord
from pipeline.report.thumbnails import file_thumbnail
from pipeline.summary.domain_measures import DomainMeasures, read_domain_measures
from trainer_module.contract import example_features
from trainer_module.contract.output_text.spreadsheet_csv import read_rows

#: Rows of `rejects.csv`, `blank.csv`, `lookalikes.csv` and `suspect-labels.csv` that are shown.
MAX_REJECTS = 40
MAX_BLANK = 40
MAX_PAIRS = 20
MAX_SUSPECTS = 48


@dataclass(frozen=True)
class PictureCounts:
    """Numbers of usable pictures.

    Attributes:
        by_domain: Domain -> split -> number of pictures.
        by_class: Class -> domain -> number of pictures.
    """

    by_domain: dict[str, dict[str, int]]
    by_class: dict[str, dict[str, int]]


@dataclass(frozen=True)
class ListedFile:
    """File of the data set in a list of the report.

    Attributes:
        path: Path relative to the data folder.
        details: Short texts about the file.
        thumbnail: Data URI; None if there is no thumbnail.
    """

    path: str
    details: list[str]
    thumbnail: str | None


@dataclass(frozen=True)
class LookalikePair:
    """Two files that are copies or look alike.

    Attributes:
        kind: Kind of the pair, as in `lookalikes.csv`.
        num_bits: Number of bits in which their perceptual hashes differ.
        first: One file.
        second: The other file.
    """

    kind: str
    num_bits: int
    first: ListedFile
    second: ListedFile


@dataclass(frozen=True)
class DataSection:
    """Contents of the section.

    Attributes:
        counts: Numbers of pictures; None if the run ended before ingestion was complete.
        measures: Picture statistics of every domain.
        rejects: The first files that cannot be used.
        num_rejects: Number of all files that cannot be used.
        blank: The first pictures that are blank, or have a blank block.
        num_blank: Number of all such pictures.
        pairs: The first pairs of copies and lookalikes.
        num_pairs: Number of all pairs.
        suspects: The first pictures that may be mislabelled, the most suspicious first.
        num_suspects: Number of all such pictures.
    """

    counts: PictureCounts | None
    measures: list[DomainMeasures]
    rejects: list[ListedFile]
    num_rejects: int
    blank: list[ListedFile]
    num_blank: int
    pairs: list[LookalikePair]
    num_pairs: int
    suspects: list[ListedFile]
    num_suspects: int


def read_data_section(record: RunRecord) -> DataSection:
    """Read the outputs of ingestion and of the data gate.

    Args:
        record: Run of the report.
    """
    root = record.summary.data_root
    catalog = record.output_uri(component_ids.IMAGE_EXAMPLE_GEN, "catalog")
    inventory = record.output_uri(component_ids.IMAGE_EXAMPLE_GEN, "rejects")
    rejects, pairs = record.folder / "rejects.csv", record.folder / "lookalikes.csv"
    blank, suspects = record.folder / "blank.csv", record.folder / "suspect-labels.csv"
    return DataSection(
        counts=_count_pictures(inventory) if inventory else None,
        measures=read_domain_measures(catalog) if catalog else [],
        rejects=[_reject(row, root) for row in islice(_read_rows(rejects), MAX_REJECTS)],
        num_rejects=sum(1 for _ in _read_rows(rejects)),
        blank=[_blank(row, root) for row in islice(_read_rows(blank), MAX_BLANK)],
        num_blank=sum(1 for _ in _read_rows(blank)),
        pairs=[_pair(row, root) for row in islice(_read_rows(pairs), MAX_PAIRS)],
        num_pairs=sum(1 for _ in _read_rows(pairs)),
        suspects=[_suspect(row, root) for row in islice(_read_rows(suspects), MAX_SUSPECTS)],
        num_suspects=sum(1 for _ in _read_rows(suspects)),
    )


def _count_pictures(inventory_uri: str) -> PictureCounts:
    from components.image_example_gen.inventory import read_inventory

    by_domain: dict[str, Counter[str]] = {}
    by_class: dict[str, Counter[str]] = {}
    for row in read_inventory(inventory_uri)["examples"]:
        domain, label = row[example_features.DOMAIN], row[example_features.LABEL]
        by_domain.setdefault(domain, Counter())[row["split"]] += row["count"]
        by_class.setdefault(label, Counter())[domain] += row["count"]
    return PictureCounts(dict(sorted(by_domain.items())), dict(sorted(by_class.items())))


def _read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file; none if there is no file, because the list is empty."""
    if path.exists():
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            yield from read_rows(file)


def _reject(row: dict[str, str], root: str) -> ListedFile:
    return ListedFile(
        row["path"],
        [row["reason"], f"{int(row['bytes'] or 0):,} bytes"],
        file_thumbnail(root, row["path"]),
    )


def _blank(row: dict[str, str], root: str) -> ListedFile:
    details = [row["blank"], ", ".join(row[name] for name in ("domain", "label", "split"))]
    return ListedFile(row["path"], details, file_thumbnail(root, row["path"]))


def _suspect(row: dict[str, str], root: str) -> ListedFile:
    details = [f"{row['label']}, or {row['suggested']}?", row["domain"]]
    return ListedFile(row["path"], details, file_thumbnail(root, row["path"]))


def _pair(row: dict[str, str], root: str) -> LookalikePair:
    columns = (example_features.DOMAIN, example_features.LABEL, "split")
    first, second = (
        ListedFile(
            row[side],
            [row[f"{side}_{column}"] for column in columns],
            file_thumbnail(root, row[side]),
        )
        for side in ("first", "second")
    )
    return LookalikePair(row["kind"].replace("_", " "), int(row["bits"]), first, second)

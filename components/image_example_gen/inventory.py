"""The rejects of an ingestion with their reasons, and counts of examples and rejects."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tfx.dsl.io import fileio

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features
from trainer_module.contract.folder_files import list_files
from trainer_module.contract.listing_row import ListingRow

Inventory = dict[str, list[dict[str, Any]]]

INVENTORY = "inventory.json"

#: Key of a count: split or kind of reason where there is one, domain, label.
Key = tuple[str, ...]


def write_rejects(uri: str, suffix: str, rows: Iterable[ListingRow]) -> None:
    """Write the rejected rows of one chunk.

    Args:
        uri: URI of the `rejects` artifact.
        suffix: Suffix of the file name of the chunk.
        rows: Rows of the listing with their `reason`.
    """
    with fileio.open(f"{uri}/rejects-{suffix}.jsonl", "w") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def read_rejects(rejects_uri: str) -> Iterator[ListingRow]:
    """Read the rejected rows of the listing, each with its `reason`.

    Args:
        rejects_uri: URI of the `rejects` artifact.
    """
    for path in list_files(rejects_uri, "rejects-*.jsonl"):
        with fileio.open(path, "r") as file:
            for line in file:
                yield json.loads(line)


def write_inventory(catalog_uri: str, rejects_uri: str) -> Inventory:
    """Count the rows of a complete catalog and of the rejects, and write the counts.

    Args:
        catalog_uri: URI of the `catalog` artifact.
        rejects_uri: URI of the `rejects` artifact, which also gets the counts.

    Returns:
        The counts, see `read_inventory`.
    """
    columns = ["split", example_features.DOMAIN, example_features.LABEL]
    examples: Counter[Key] = Counter()
    cross_fitted: Counter[Key] = Counter()
    for table in read_catalog(catalog_uri, [*columns, "fold"]):
        examples += _count_rows(table, columns)
        is_cross_fitted = pc.and_(pc.is_valid(table["fold"]), pc.not_equal(table["split"], "test"))
        cross_fitted += _count_rows(table.filter(is_cross_fitted), columns[1:])
    rejects: Counter[Key] = Counter(
        (reason_kind(row["reason"]), row["domain"], row["label"])
        for row in read_rejects(rejects_uri)
    )
    inventory = {
        "examples": _rows(("split", example_features.DOMAIN, example_features.LABEL), examples),
        "cross_fitted": _rows((example_features.DOMAIN, example_features.LABEL), cross_fitted),
        "rejects": _rows(("reason", example_features.DOMAIN, example_features.LABEL), rejects),
    }
    with fileio.open(f"{rejects_uri}/{INVENTORY}", "w") as file:
        file.write(json.dumps(inventory, indent=1))
    return inventory


def read_inventory(rejects_uri: str) -> Inventory:
    """Read the counts of a complete ingestion.

    Args:
        rejects_uri: URI of the `rejects` artifact.

    Returns:
        `examples`: rows with `split`, `domain`, `label` and `count`; `cross_fitted`: rows with
        `domain`, `label` and `count`, for pictures in train and eval that are cross-fitted;
        `rejects`: rows with `reason` (its kind, see `reason_kind`), `domain`, `label` and `count`.
    """
    with fileio.open(f"{rejects_uri}/{INVENTORY}", "r") as file:
        inventory: Inventory = json.loads(file.read())
    return inventory


def reason_kind(reason: str) -> str:
    """Return the part of a reason that is the same for all files with this kind of problem."""
    return reason.split(":")[0]


def _count_rows(table: pa.Table, columns: list[str]) -> Counter[Key]:
    last = columns[-1]
    counts = table.group_by(columns).aggregate([(last, "count")]).to_pylist()
    return Counter({tuple(row[name] for name in columns): row[f"{last}_count"] for row in counts})


def _rows(names: tuple[str, ...], counts: Counter[Key]) -> list[dict[str, Any]]:
    return [
        dict(zip(names, key, strict=True)) | {"count": count}
        for key, count in sorted(counts.items())
    ]

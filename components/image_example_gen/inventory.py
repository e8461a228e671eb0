"""What became of every file: counts of examples and rejects, and the rejects themselves."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tfx.dsl.io import fileio

from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features

Inventory = dict[str, list[dict[str, Any]]]

INVENTORY = "inventory.json"

#: What is counted by: split or kind of reason, domain, label.
Key = tuple[str, ...]


def write_rejects(uri: str, suffix: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write the rejected rows of one chunk of the listing, each with its `reason`."""
    with fileio.open(f"{uri}/rejects-{suffix}.jsonl", "w") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")


def read_rejects(rejects_uri: str) -> Iterator[dict[str, Any]]:
    """Rejected rows of the listing, each with its `reason`."""
    for path in sorted(fileio.glob(f"{rejects_uri}/rejects-*.jsonl")):
        with fileio.open(path, "r") as file:
            for line in file:
                yield json.loads(line)


def write_inventory(catalog_uri: str, rejects_uri: str) -> Inventory:
    """Count what is in a finished catalog and in the rejects, and write it beside the rejects.

    Returns:
        See `read_inventory`.
    """
    columns = ["split", example_features.DOMAIN, example_features.LABEL]
    examples: Counter[Key] = Counter()
    for table in read_catalog(catalog_uri, columns):
        counts = table.group_by(columns).aggregate([("split", "count")]).to_pylist()
        for row in counts:
            examples[tuple(row[name] for name in columns)] += row["split_count"]
    rejects: Counter[Key] = Counter(
        (reason_kind(row["reason"]), row[example_features.DOMAIN], row[example_features.LABEL])
        for row in read_rejects(rejects_uri)
    )
    inventory = {
        "examples": _rows(("split", example_features.DOMAIN, example_features.LABEL), examples),
        "rejects": _rows(("reason", example_features.DOMAIN, example_features.LABEL), rejects),
    }
    with fileio.open(f"{rejects_uri}/{INVENTORY}", "w") as file:
        file.write(json.dumps(inventory, indent=1))
    return inventory


def read_inventory(rejects_uri: str) -> Inventory:
    """Counts of a finished ingestion.

    Args:
        rejects_uri: URI of the `rejects` artifact.

    Returns:
        `examples`: rows of split, domain, label, count; `rejects`: rows of reason, domain,
        label, count.
    """
    with fileio.open(f"{rejects_uri}/{INVENTORY}", "r") as file:
        return json.loads(file.read())


def reason_kind(reason: str) -> str:
    """What reasons are counted by: the part that is the same for all files with this trouble."""
    return reason.split(":")[0]


def _rows(names: tuple[str, ...], counts: Counter[Key]) -> list[dict[str, Any]]:
    return [
        dict(zip(names, key, strict=True)) | {"count": count}
        for key, count in sorted(counts.items())
    ]

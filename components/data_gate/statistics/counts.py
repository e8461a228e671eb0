"""How many pictures every domain and class has in every split, and how many were rejected."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from components.image_example_gen.inventory import Inventory


@dataclass(frozen=True)
class Counts:
    """What ingestion counted.

    Attributes:
        domains: name -> split -> usable pictures.
        classes: the same by class.
        pairs: (domain, class) that have usable pictures.
        rejects: domain -> reason -> files; domain '' for files that are in none.
        rejected_pairs: (domain, class) that have rejected files.
    """

    domains: dict[str, Counter[str]]
    classes: dict[str, Counter[str]]
    pairs: frozenset[tuple[str, str]]
    rejects: dict[str, Counter[str]]
    rejected_pairs: frozenset[tuple[str, str]]

    @property
    def usable(self) -> int:
        """Pictures in all."""
        return sum(splits.total() for splits in self.domains.values())


def count(inventory: Inventory) -> Counts:
    """Sum up an inventory.

    Args:
        inventory: see `components.image_example_gen.inventory.read_inventory`.
    """
    domains: dict[str, Counter[str]] = defaultdict(Counter)
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    rejects: dict[str, Counter[str]] = defaultdict(Counter)
    for row in inventory["examples"]:
        domains[row["domain"]][row["split"]] += row["count"]
        classes[row["label"]][row["split"]] += row["count"]
    for row in inventory["rejects"]:
        rejects[row["domain"]][row["reason"]] += row["count"]
    return Counts(
        domains=dict(sorted(domains.items())),
        classes=dict(sorted(classes.items())),
        pairs=_pairs(inventory, "examples"),
        rejects=dict(sorted(rejects.items())),
        rejected_pairs=_pairs(inventory, "rejects"),
    )


def _pairs(inventory: Inventory, group: str) -> frozenset[tuple[str, str]]:
    rows = inventory[group]
    return frozenset((row["domain"], row["label"]) for row in rows if row["domain"])

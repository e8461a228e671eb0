"""Number of pictures and rejected files of every domain and class, in every split."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from components.image_example_gen.inventory import Inventory


@dataclass(frozen=True)
class Counts:
    """Pictures and rejected files, as ingestion counted them.

    Attributes:
        domains: Domain -> split -> number of usable pictures.
        classes: Class -> split -> number of usable pictures.
        tested_domains: Domain -> number of pictures that are tested: those of the test split, and
            those that are cross-fitted.
        tested_classes: Class -> number of such pictures.
        pairs: (domain, class) with usable pictures.
        rejects: Domain -> reason -> number of files; the domain is '' for files in no domain.
        rejected_pairs: (domain, class) with rejected files.
    """

    domains: dict[str, Counter[str]]
    classes: dict[str, Counter[str]]
    tested_domains: Counter[str]
    tested_classes: Counter[str]
    pairs: frozenset[tuple[str, str]]
    rejects: dict[str, Counter[str]]
    rejected_pairs: frozenset[tuple[str, str]]

    @property
    def usable(self) -> int:
        """Number of usable pictures in all."""
        return sum(splits.total() for splits in self.domains.values())


def count_pictures(inventory: Inventory) -> Counts:
    """Sum up an inventory.

    Args:
        inventory: Rows of `components.image_example_gen.inventory.read_inventory`.
    """
    domains: dict[str, Counter[str]] = defaultdict(Counter)
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    rejects: dict[str, Counter[str]] = defaultdict(Counter)
    for row in inventory["examples"]:
        domains[row["domain"]][row["split"]] += row["count"]
        classes[row["label"]][row["split"]] += row["count"]
    tested_domains = Counter({name: splits["test"] for name, splits in domains.items()})
    tested_classes = Counter({name: splits["test"] for name, splits in classes.items()})
    for row in inventory["cross_fitted"]:
        tested_domains[row["domain"]] += row["count"]
        tested_classes[row["label"]] += row["count"]
    for row in inventory["rejects"]:
        rejects[row["domain"]][row["reason"]] += row["count"]
    return Counts(
        domains=dict(sorted(domains.items())),
        classes=dict(sorted(classes.items())),
        tested_domains=tested_domains,
        tested_classes=tested_classes,
        pairs=_pairs(inventory, "examples"),
        rejects=dict(sorted(rejects.items())),
        rejected_pairs=_pairs(inventory, "rejects"),
    )


def _pairs(inventory: Inventory, group: str) -> frozenset[tuple[str, str]]:
    rows = inventory[group]
    return frozenset((row["domain"], row["label"]) for row in rows if row["domain"])

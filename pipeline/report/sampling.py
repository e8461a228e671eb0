"""Which test pictures a model is asked about for a report."""

import hashlib
from collections import Counter

from trainer_module.contract import example_features

#: In all domains together.
MOST_PICTURES = 2000


def sample_test_pictures(catalog: str) -> tuple[set[bytes], dict[str, int]]:
    """Choose among the test pictures where there are more than `MOST_PICTURES`.

    Every domain gives as many as it has, up to the same number; a hash of their names decides
    which.

    Args:
        catalog: URI of ingestion's catalog.

    Returns:
        Ids of those to ask about, and how many there are by domain.
    """
    from components.image_example_gen.catalog import read_catalog

    ids: dict[str, list[bytes]] = {}
    for part in read_catalog(
        catalog, [example_features.IMAGE_ID, example_features.DOMAIN, "split"]
    ):
        for row in part.to_pylist():
            if row["split"] == "test":
                ids.setdefault(row[example_features.DOMAIN], []).append(
                    row[example_features.IMAGE_ID]
                )
    counts = {domain: len(own) for domain, own in ids.items()}
    share = _equal_share(Counter(counts), MOST_PICTURES)
    chosen = {
        name
        for own in ids.values()
        for name in sorted(own, key=lambda name: hashlib.sha256(name).digest())[:share]
    }
    return chosen, counts


def _equal_share(counts: Counter[str], most: int) -> int:
    """The number up to which every domain may give, so that there are at most so many in all."""
    share, left = most, most
    for rank, count in enumerate(sorted(counts.values())):
        share = left // (len(counts) - rank)
        if count > share:
            break
        left -= count
    return share

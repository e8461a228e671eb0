"""Sample of the test pictures for a report: all of them, or as many from every domain."""

import hashlib

from trainer_module.contract import example_features

#: Largest sample, in all domains together.
MAX_PICTURES = 2000


def sample_test_pictures(catalog: str) -> tuple[set[bytes], dict[str, int]]:
    """Return a sample of at most `MAX_PICTURES` test pictures.

    Every domain contributes all its test pictures, up to the same number. The hash of the image ids
    decides which ones, so the sample is always the same.

    Args:
        catalog: URI of ImageExampleGen's catalog.

    Returns:
        Image ids of the sample, and the number of test pictures by domain.
    """
    from components.image_example_gen.catalog import read_catalog

    ids: dict[str, list[bytes]] = {}
    columns = [example_features.IMAGE_ID, example_features.DOMAIN, "split"]
    for batch in read_catalog(catalog, columns):
        for row in batch.to_pylist():
            if row["split"] == "test":
                domain = row[example_features.DOMAIN]
                ids.setdefault(domain, []).append(row[example_features.IMAGE_ID])
    counts = {domain: len(own) for domain, own in ids.items()}
    limit = _limit_per_domain(list(counts.values()), MAX_PICTURES)
    sample = {
        image_id
        for own in ids.values()
        for image_id in sorted(own, key=lambda image_id: hashlib.sha256(image_id).digest())[:limit]
    }
    return sample, counts


def _limit_per_domain(counts: list[int], total: int) -> int:
    """Return the largest number per domain with which the sample has at most `total` pictures."""
    limit, left = total, total
    for rank, count in enumerate(sorted(counts)):
        limit = left // (len(counts) - rank)
        if count > limit:
            break
        left -= count
    return limit

"""Splits that a data set does not have are taken from its training pictures."""

from collections.abc import Iterable

from components.image_example_gen.splits import assign_split, text_digest
from pipeline.config.run_config import SplitOptions

#: Split -> share of the training pictures.
Shares = tuple[tuple[str, float], ...]


def missing_splits(found: Iterable[str | None], options: SplitOptions) -> Shares:
    """Return the splits that a data set lacks, with their shares of the training pictures.

    Args:
        found: Splits of the data set. Without `train`, nothing can be taken.
        options: Shares of the splits.
    """
    found = set(found)
    shares = (("test", options.test), ("eval", options.eval))
    return tuple(share for share in shares if "train" in found and share[0] not in found)


def share_out(path: str, missing: Shares) -> str:
    """Return the split of a training picture, by a hash of its path.

    Args:
        path: Path of the picture.
        missing: Splits that training pictures are taken for.
    """
    shares = dict(missing)
    return assign_split(text_digest(path), shares.get("eval", 0), shares.get("test", 0))

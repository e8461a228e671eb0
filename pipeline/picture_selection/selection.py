"""The choice of pictures of every domain."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from components.data_gate.checks.hamming_search import find_lookalikes
from pipeline.picture_selection.diverse_rows import choose_diverse
from pipeline.picture_selection.picture_features import PictureFeatures
from pipeline.picture_selection.unlabelled_picture import UnlabelledPicture

#: Share of the chosen pictures of a domain that are drawn at random. They are a fair sample of the
#: domain, so that they can test a model.
RANDOM_SHARE = 0.2

#: Largest number of pairs of lookalikes to search for.
MAX_PAIRS = 1_000_000

Why = Literal["diverse", "random"]


class Choice(NamedTuple):
    """A chosen picture.

    Attributes:
        picture: The picture.
        why: How it was chosen.
        label: Predicted class.
        confidence: Probability of the predicted class.
    """

    picture: UnlabelledPicture
    why: Why
    label: str
    confidence: float


@dataclass(frozen=True)
class Selection:
    """Chosen pictures.

    Attributes:
        choices: Choices, by domain and name.
        num_candidates: Number of pictures that could be chosen, by domain.
        num_lookalikes: Number of pictures that were left out because they look like another one.
    """

    choices: list[Choice]
    num_candidates: dict[str, int]
    num_lookalikes: int


def select_pictures(
    features: PictureFeatures,
    count: int,
    seed: int,
    random_share: float = RANDOM_SHARE,
    at_least: int = 0,
) -> Selection:
    """Choose pictures: as many of every domain, as far as it has them.

    Args:
        features: Features of the pictures.
        count: Number of pictures to choose. All are taken where there are fewer.
        seed: Seed of the choice. The same pictures and seed give the same choices.
        random_share: Share of the chosen pictures that are drawn at random.
        at_least: Number of pictures that every domain can give, as far as it has them: where fewer
            look different, some that look alike are among them.
    """
    domains = np.array([picture.domain for picture in features.pictures])
    candidates: dict[str, npt.NDArray[np.int64]] = {}
    for domain in sorted(set(domains.tolist())):
        rows = np.flatnonzero(domains == domain)
        different = first_of_lookalikes(features.hashes[rows])
        others = np.setdiff1d(np.arange(len(rows)), different)
        some = others[: max(at_least - len(different), 0)]
        candidates[domain] = rows[np.sort(np.concatenate([different, some]))]
    num_candidates = {domain: len(rows) for domain, rows in candidates.items()}
    choices = [
        choice
        for domain, share in share_count(num_candidates, count).items()
        for choice in _choose(
            features, candidates[domain], share, _domain_seed(domain, seed), random_share
        )
    ]
    num_lookalikes = len(features.pictures) - sum(num_candidates.values())
    return Selection(choices, num_candidates, num_lookalikes)


def first_of_lookalikes(hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the rows that look like no earlier row that is returned, sorted.

    Args:
        hashes: Perceptual hashes, uint8 [rows, bytes].
    """
    keep: npt.NDArray[np.bool_] = np.ones(len(hashes), bool)
    if len(hashes) > 1:
        pairs, _ = find_lookalikes(hashes, MAX_PAIRS)
        for first, second in pairs[:, np.lexsort(pairs[::-1])].T.tolist():
            keep[second] &= not keep[first]
    return np.flatnonzero(keep)


def share_count(available: Mapping[str, int], count: int) -> dict[str, int]:
    """Return how many pictures of every domain are chosen.

    Every domain gets the same number. What a small domain cannot give, the others do.

    Args:
        available: Number of pictures by domain.
        count: Number of pictures in all.

    Example:
        >>> from pipeline.picture_selection.selection import share_count
        >>> share_count({"day": 500, "fog": 4, "night": 90}, 25)
        {'fog': 4, 'night': 10, 'day': 11}
    """
    shares = {}
    smallest_first = sorted(available, key=lambda domain: (available[domain], domain))
    for number, domain in enumerate(smallest_first):
        shares[domain] = min(available[domain], count // (len(smallest_first) - number))
        count -= shares[domain]
    return shares


def _choose(
    features: PictureFeatures,
    rows: npt.NDArray[np.int64],
    count: int,
    seed: int,
    random_share: float,
) -> list[Choice]:
    """Return the choices of one domain, in the order of their rows.

    The random ones are drawn first, from all rows: otherwise they would be a sample of what the
    diverse ones leave.
    """
    random_rows = np.random.default_rng(seed).permutation(rows)[: round(count * random_share)]
    others = np.setdiff1d(rows, random_rows)
    diverse = choose_diverse(
        features.embeddings[others],
        features.probabilities[others],
        count - len(random_rows),
        seed,
    )
    why: dict[int, Why] = dict.fromkeys(random_rows.tolist(), "random")
    why |= dict.fromkeys(others[diverse].tolist(), "diverse")
    return [
        Choice(
            features.pictures[row],
            why[row],
            features.labels[row],
            float(features.probabilities[row].max()),
        )
        for row in sorted(why)
    ]


def _domain_seed(domain: str, seed: int) -> int:
    """Return a seed of one domain: its choices do not depend on the pictures of others."""
    digest = hashlib.sha256(f"{seed} {domain}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:4], "big")

"""Which split a picture belongs to: a hash decides, so adding pictures never moves old ones.

Two things a hash of one picture cannot know are settled once all are read: what belongs together
stays together, and no class goes untrained and no domain untested for bad luck.
"""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from trainer_module.contract.example_features import SPLITS

#: Bytes of a digest: of a file, or of the name of a group.
DIGEST_BYTES = 16

TRAIN, EVAL, TEST = range(len(SPLITS))

#: A class or a domain with fewer pictures than splits cannot be in all of them.
ENOUGH = len(SPLITS)


def digest(content: bytes) -> bytes:
    """SHA-256, cut to `DIGEST_BYTES`."""
    return hashlib.sha256(content).digest()[:DIGEST_BYTES]


def group_digest(row: dict[str, str], content: bytes, group_by: str) -> bytes:
    """Digest of the group that a picture belongs to: its pictures always share a split.

    Args:
        row: of the listing; `path`, and `group` where a manifest names one.
        content: digest of the file.
        group_by: `content` keeps exact copies together; `stem` keeps files of the same name
            without extension together, across domains and classes.
    """
    if "group" in row:
        return digest(row["group"].encode("utf-8", "surrogateescape"))
    if group_by == "stem":
        return digest(PurePosixPath(row["path"]).stem.encode("utf-8", "surrogateescape"))
    return content


def assign_split(group: bytes, eval_share: float, test_share: float) -> str:
    """Split of a group of pictures.

    Args:
        group: digest.
        eval_share: expected share of groups in `eval`, 0 to 1.
        test_share: expected share of groups in `test`, 0 to 1.
    """
    position = int.from_bytes(group[:8], "big") / 2**64
    if position < test_share:
        return "test"
    if position < test_share + eval_share:
        return "eval"
    return "train"


@dataclass
class Pictures:
    """What splits depend on, one entry per picture.

    Attributes:
        content: bytes of `DIGEST_BYTES`, dtype S16, of the file.
        group: the same, of the group.
        label: int codes.
        domain: int codes.
        split: int codes into `SPLITS`, as assigned for each picture by itself.
        given: whether the manifest names the split.
    """

    content: np.ndarray
    group: np.ndarray
    label: np.ndarray
    domain: np.ndarray
    split: np.ndarray
    given: np.ndarray


def settle(pictures: Pictures) -> np.ndarray:
    """Final splits, with as few pictures moved as possible.

    * Copies of one file and members of one group share a split. Where they disagree, the one that
      keeps most from training wins: test, then eval. A split that the manifest names comes first.
    * Every class with at least three pictures is in train, and every domain with at least three in
      test and in eval, unless the manifest says otherwise.

    Returns:
        int codes into `SPLITS`.
    """
    if not len(pictures.split):
        return pictures.split
    family = _families(pictures.content, pictures.group)
    given = np.zeros(family.max() + 1, bool)
    np.logical_or.at(given, family, pictures.given)
    # Pictures without a named split have no say in a family in which one has.
    voices = np.where(given[family] & ~pictures.given, TRAIN, pictures.split)
    splits = np.full(len(given), TRAIN)
    np.maximum.at(splits, family, voices)
    order = np.argsort(_positions(pictures.group), kind="stable")
    for wanted, codes in (
        (TRAIN, pictures.label),
        (TEST, pictures.domain),
        (EVAL, pictures.domain),
    ):
        _cover(wanted, codes, pictures.label, family, splits, given, order)
    return splits[family]


def _families(content: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Number of the family of each picture: connected by a common content or a common group."""
    contents = np.unique(content, return_inverse=True)[1]
    groups = np.unique(group, return_inverse=True)[1]
    if np.array_equal(content, group):
        return contents
    ones: np.ndarray = np.ones(len(content), bool)
    edges = coo_matrix((ones, (contents, groups + contents.max() + 1)))
    side = contents.max() + groups.max() + 2
    edges.resize(side, side)
    return connected_components(edges, directed=False)[1][contents]


def _positions(group: np.ndarray) -> np.ndarray:
    return np.frombuffer(group.tobytes(), ">u8")[:: DIGEST_BYTES // 8]


def _cover(
    wanted: int,
    codes: np.ndarray,
    labels: np.ndarray,
    family: np.ndarray,
    splits: np.ndarray,
    given: np.ndarray,
    order: np.ndarray,
) -> None:
    """Move a family into the wanted split for every code that has none there.

    The one whose hash was closest to that split goes, and train never loses the last of a class.
    """
    counts = np.bincount(codes)
    covered = np.bincount(codes[splits[family] == wanted], minlength=len(counts))
    for code in np.flatnonzero((counts >= ENOUGH) & (covered == 0)):
        # In the order of the hashes come test, eval, train.
        nearest = order[codes[order] == code]
        for picture in nearest[::-1] if wanted == TRAIN else nearest:
            moved = family == family[picture]
            if given[family[picture]] or _last_in_train(moved, labels, splits[family], wanted):
                continue
            if splits[family[picture]] == TEST and wanted == EVAL:
                continue
            splits[family[picture]] = wanted
            break


def _last_in_train(moved: np.ndarray, labels: np.ndarray, split: np.ndarray, wanted: int) -> bool:
    """Whether a class would have no picture in train any more."""
    if wanted == TRAIN:
        return False
    stays = labels[(split == TRAIN) & ~moved]
    return not np.isin(np.unique(labels[moved & (split == TRAIN)]), stays).all()

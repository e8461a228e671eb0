"""Assigns pictures to splits by a hash, so that adding pictures never moves the old ones.

The hash of one picture cannot guarantee two things, so they are corrected when all pictures are
known: copies and groups share a split, and a small class is in train and a small domain in every
split.
"""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.listing_row import ListingRow

#: Bytes of a digest, whether of a file or of the name of a group.
DIGEST_BYTES = 16

TRAIN, EVAL, TEST = range(len(SPLITS))

#: A class or a domain with fewer pictures than splits cannot be in all of them.
MIN_PICTURES = len(SPLITS)

IntArray: TypeAlias = npt.NDArray[np.int_]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


def digest(content: bytes) -> bytes:
    """Return the SHA-256 of some bytes, cut to `DIGEST_BYTES`."""
    return hashlib.sha256(content).digest()[:DIGEST_BYTES]


def group_digest(row: ListingRow, content: bytes, group_by: str) -> bytes:
    """Return the digest of the group that a picture belongs to; a group shares a split.

    Args:
        row: Row of the listing. A `group` in it, which a manifest may name, takes precedence.
        content: Digest of the file.
        group_by: `content` to group exact copies; `stem` to group files of the same name without
            extension, across domains and classes.
    """
    if "group" in row:
        return digest(row["group"].encode("utf-8", "surrogateescape"))
    if group_by == "stem":
        return digest(PurePosixPath(row["path"]).stem.encode("utf-8", "surrogateescape"))
    return content


def assign_split(group: bytes, eval_share: float, test_share: float) -> str:
    """Return the split of a group of pictures: `train`, `eval` or `test`.

    Args:
        group: Digest of the group, see `group_digest`.
        eval_share: Expected share of groups in `eval`, 0 to 1.
        test_share: Expected share of groups in `test`, 0 to 1.

    Example:
        >>> from components.image_example_gen.splits import assign_split, digest
        >>> [assign_split(digest(name), 0.15, 0.2) for name in (b"a", b"b", b"c")]
        ['train', 'eval', 'test']
    """
    position = int.from_bytes(group[:8], "big") / 2**64
    if position < test_share:
        return "test"
    if position < test_share + eval_share:
        return "eval"
    return "train"


@dataclass
class SplitInputs:
    """What the final splits depend on; every array has one entry per picture.

    Attributes:
        content: Digests of the files, dtype S16.
        group: Digests of the groups, dtype S16.
        label: Codes of the classes, int.
        domain: Codes of the domains, int.
        split: Indices in `SPLITS`, int, as assigned to each picture by itself.
        given: Whether the manifest names the split, bool.
    """

    content: npt.NDArray[np.bytes_]
    group: npt.NDArray[np.bytes_]
    label: IntArray
    domain: IntArray
    split: IntArray
    given: BoolArray


def final_splits(pictures: SplitInputs) -> IntArray:
    """Return the final splits, with as few pictures moved as possible.

    * Copies of one file and members of one group share a split. If they were assigned different
      ones, the split that keeps most from training is taken: test, then eval. A split that the
      manifest names takes precedence.
    * Every class with at least three pictures is in train, and every domain with at least three
      pictures is in test and in eval, unless the manifest names other splits.

    Returns:
        Indices in `SPLITS`, int [pictures].
    """
    if not len(pictures.split):
        return pictures.split
    component = _components(pictures.content, pictures.group)
    given = np.zeros(component.max() + 1, bool)
    np.logical_or.at(given, component, pictures.given)
    # In a component with named splits, the splits of its other pictures do not count.
    counted = np.where(given[component] & ~pictures.given, TRAIN, pictures.split)
    splits = np.full(len(given), TRAIN)
    np.maximum.at(splits, component, counted)
    order = np.argsort(_hash_positions(pictures.group), kind="stable")
    for wanted, codes in (
        (TRAIN, pictures.label),
        (TEST, pictures.domain),
        (EVAL, pictures.domain),
    ):
        _fill_split(wanted, codes, pictures.label, component, splits, given, order)
    result: IntArray = splits[component]
    return result


def _components(content: npt.NDArray[np.bytes_], group: npt.NDArray[np.bytes_]) -> IntArray:
    """Number the connected components of pictures that share a content or a group."""
    contents: IntArray = np.unique(content, return_inverse=True)[1]
    groups: IntArray = np.unique(group, return_inverse=True)[1]
    if np.array_equal(content, group):
        return contents
    ones = np.ones(len(content), bool)
    edges = coo_matrix((ones, (contents, groups + contents.max() + 1)))
    side = contents.max() + groups.max() + 2
    edges.resize(side, side)
    components: IntArray = connected_components(edges, directed=False)[1][contents]
    return components


def _hash_positions(group: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint64]:
    """Return the number that `assign_split` compares with the shares, for every picture."""
    return np.frombuffer(group.tobytes(), ">u8")[:: DIGEST_BYTES // 8]


def _fill_split(
    wanted: int,
    codes: IntArray,
    labels: IntArray,
    component: IntArray,
    splits: IntArray,
    given: BoolArray,
    order: IntArray,
) -> None:
    """Move one component into a split for every code that has no picture there, in place.

    The component whose hash is closest to the split is moved. The last picture of a class in train
    is never moved.

    Args:
        wanted: Index of the split to fill.
        codes: Class or domain of every picture.
        labels: Class of every picture.
        component: Component of every picture.
        splits: Split of every component; changed in place.
        given: Whether the manifest names the split, for every component.
        order: Pictures in the order of their hashes: test, eval, train.
    """
    counts = np.bincount(codes)
    covered = np.bincount(codes[splits[component] == wanted], minlength=len(counts))
    for code in np.flatnonzero((counts >= MIN_PICTURES) & (covered == 0)):
        nearest = order[codes[order] == code]
        for picture in nearest[::-1] if wanted == TRAIN else nearest:
            moved = component == component[picture]
            if given[component[picture]] or _empties_train(
                moved, labels, splits[component], wanted
            ):
                continue
            if splits[component[picture]] == TEST and wanted == EVAL:
                continue
            splits[component[picture]] = wanted
            break


def _empties_train(moved: BoolArray, labels: IntArray, split: IntArray, wanted: int) -> bool:
    """Return whether a class would have no picture in train after a move."""
    if wanted == TRAIN:
        return False
    remaining = labels[(split == TRAIN) & ~moved]
    return not np.isin(np.unique(labels[moved & (split == TRAIN)]), remaining).all()

"""Assigns pictures to splits by a hash, so that adding pictures never moves the old ones.

The hash of one picture cannot guarantee two things, so they are corrected when all pictures are
known: copies and groups share a split, and small classes and domains are in every split.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from components.image_example_gen.split_coverage import (
    TRAIN,
    BoolArray,
    IntArray,
    SplitCoverage,
)
from trainer_module.contract.listing_row import DIGEST_BYTES, ListingRow

#: A whole number that was written as a float. pandas does so where a column has empty cells.
_WHOLE_FLOAT = re.compile(r"(-?\d+)\.0")


def digest(content: bytes) -> bytes:
    """Return the SHA-256 of some bytes, cut to `DIGEST_BYTES`."""
    return hashlib.sha256(content).digest()[:DIGEST_BYTES]


def text_digest(text: str) -> bytes:
    """Return the digest of a text, which may not be UTF-8."""
    return digest(text.encode("utf-8", "surrogateescape"))


def name_digest(name: str) -> bytes:
    """Return the digest of the name of a group.

    Both Unicode forms of a name have one digest, and so have `7` and `7.0`.
    """
    return text_digest(_common_spelling(name))


def name_digests(name: str) -> list[bytes]:
    """Return the digests that the name of a group may have in the data set of a version.

    The first is `name_digest`. The others are those of its spellings, which were groups of their
    own in earlier versions.
    """
    common = _common_spelling(name)
    spellings = [common, name, unicodedata.normalize("NFD", common)]
    if common.removeprefix("-").isdecimal():
        spellings.append(f"{common}.0")
    return [text_digest(spelling) for spelling in dict.fromkeys(spellings)]


def _common_spelling(name: str) -> str:
    found = _WHOLE_FLOAT.fullmatch(name)
    return found[1] if found else unicodedata.normalize("NFC", name)


def group_digest(row: ListingRow, content: bytes, group_by: str) -> bytes:
    """Return the digest of the group that a picture belongs to; a group shares a split.

    Args:
        row: Row of the listing. A `group` in it, which a manifest may name, takes precedence, and
            then a `group_digest`.
        content: Digest of the file.
        group_by: `content` to group exact copies; `stem` to group files of the same name without
            extension, across domains and classes.
    """
    if "group" in row:
        return name_digest(row["group"])
    if "group_digest" in row:
        return bytes.fromhex(row["group_digest"])
    if group_by == "stem":
        return name_digest(PurePosixPath(row["path"]).stem)
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
        given: Whether the listing names the split, bool.
        known: Whether the serving version knows the picture and its split, bool; such a picture is
            never moved.
        cross_fitted: Whether the picture is cross-fitted, bool; such a picture is in test only if
            its group is.
    """

    content: npt.NDArray[np.bytes_]
    group: npt.NDArray[np.bytes_]
    label: IntArray
    domain: IntArray
    split: IntArray
    given: BoolArray
    known: BoolArray
    cross_fitted: BoolArray


def final_splits(pictures: SplitInputs) -> IntArray:
    """Return the final splits, with as few pictures moved as possible.

    * Copies of one file and members of one group share a split. If they were assigned different
      ones, the split that keeps most from training is taken: test, then eval. A split that the
      listing names takes precedence. A picture that the serving version knows keeps its split in
      any case: that version was trained on it, or not.
    * Every class and every domain with at least three pictures is in train and in test, and every
      domain with three and every class with six in eval, unless groups or the listing do not allow
      it. The group whose hash is nearest to the split is moved. No class or domain loses its last
      picture in a split for another one. Pictures that are cross-fitted are not moved to test.

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
    component, splits = _separate_known(pictures, component, splits)
    given = np.concatenate([given, np.ones(len(splits) - len(given), bool)])
    last = np.iinfo(np.uint64).max
    position: npt.NDArray[np.uint64] = np.full(len(splits), last, np.uint64)
    np.minimum.at(position, component, _hash_positions(pictures.group))
    not_tested: npt.NDArray[np.bool_] = np.zeros(len(splits), bool)
    np.logical_or.at(not_tested, component, pictures.cross_fitted)
    splits = SplitCoverage(
        component, pictures.label, pictures.domain, splits, given, not_tested, position
    ).cover()
    result: IntArray = splits[component]
    return result


def _separate_known(
    pictures: SplitInputs, component: IntArray, splits: IntArray
) -> tuple[IntArray, IntArray]:
    """Give known pictures that are not in the split of their component one of their own."""
    apart = np.flatnonzero(pictures.known & (pictures.split != splits[component]))
    component = component.copy()
    component[apart] = len(splits) + np.arange(len(apart))
    return component, np.concatenate([splits, pictures.split[apart]])


def _components(content: npt.NDArray[np.bytes_], group: npt.NDArray[np.bytes_]) -> IntArray:
    """Number the connected components of pictures that share a content or a group."""
    # Imported here: a run that has nothing to do is fast.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    contents: IntArray = np.unique(content, return_inverse=True)[1]
    groups: IntArray = np.unique(group, return_inverse=True)[1]
    if np.array_equal(content, group):
        return contents
    ones: npt.NDArray[np.bool_] = np.ones(len(content), bool)
    edges = coo_matrix((ones, (contents, groups + contents.max() + 1)))
    side = contents.max() + groups.max() + 2
    edges.resize(side, side)
    components: IntArray = connected_components(edges, directed=False)[1][contents]
    return components


def _hash_positions(group: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint64]:
    """Return the number that `assign_split` compares with the shares, for every picture."""
    return np.frombuffer(group.tobytes(), ">u8")[:: DIGEST_BYTES // 8]

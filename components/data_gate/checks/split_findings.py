"""Findings about splits: contradictory ones, and pictures that changed their split."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.data_gate.findings import Finding, Severity
from components.image_example_gen.catalog import read_catalog
from components.pusher.data_set import read_data_set
from trainer_module.contract import example_features
from trainer_module.contract.example_features import SPLITS
from trainer_module.contract.listing_row import DIGEST_BYTES
from trainer_module.contract.output_text.wording import counted, quoted

#: Number of cases that a finding names.
EXAMPLES = 3

COLUMNS = [example_features.IMAGE_ID, "content", "group", "split", "assigned", "given"]

#: Stands for a group that is not known.
NO_GROUP = b"\0" * DIGEST_BYTES

#: Sets of splits as bits: 1 << index in `SPLITS`.
Bits: TypeAlias = npt.NDArray[np.uint8]
TEST = np.uint8(1 << SPLITS.index("test"))


@dataclass(frozen=True)
class _SplitsByKey:
    """The splits of every content, or of every group.

    Attributes:
        keys: Digests, sorted, dtype S16 [keys].
        bits: Splits of each, [keys].
    """

    keys: npt.NDArray[np.bytes_]
    bits: Bits

    @classmethod
    def of(cls, digests: npt.NDArray[np.bytes_], bits: Bits) -> "_SplitsByKey":
        keys, inverse = np.unique(digests, return_inverse=True)
        united: Bits = np.zeros(len(keys), np.uint8)
        np.bitwise_or.at(united, inverse, bits)
        return cls(keys, united)

    def find(self, digests: npt.NDArray[np.bytes_]) -> Bits:
        """Return the splits of digests, 0 for unknown ones."""
        if not len(self.keys):
            return np.zeros(len(digests), np.uint8)
        at = np.minimum(np.searchsorted(self.keys, digests), len(self.keys) - 1)
        return np.where(self.keys[at] == digests, self.bits[at], 0).astype(np.uint8)


def split_findings(catalog_uri: str, model: str | None) -> list[Finding]:
    """Return findings about contradictory splits, and about splits that have changed.

    Memory: about 200 bytes per picture.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact.
        model: Folder of the baseline; None without one.
    """
    pictures = pa.concat_tables(read_catalog(catalog_uri, COLUMNS))
    data_set = read_data_set(Path(model)) if model is not None else None
    findings = list(_conflict_findings(pictures.filter(pictures["given"].fill_null(False))))
    return findings if data_set is None else findings + list(_moved_findings(pictures, data_set))


def _conflict_findings(named: pa.Table) -> Iterator[Finding]:
    """Yield a finding about contents and groups that are given in more than one split.

    Args:
        named: Pictures whose split is given.
    """
    bits = _bits(named["assigned"])
    examples: list[str] = []
    count = 0
    for column in ("content", "group"):
        digests = _digests(named[column])
        splits = _SplitsByKey.of(digests, bits)
        conflicts = splits.keys[(_num_splits(splits.bits) > 1) & (splits.keys != NO_GROUP)]
        if column == "group":  # copies are named already
            conflicts = np.setdiff1d(conflicts, _digests(named["content"]))
        count += len(conflicts)
        for key in conflicts[: EXAMPLES - len(examples)]:
            rows = np.flatnonzero(digests == key)
            firsts = [rows[bits[rows] == one][0] for one in np.unique(bits[rows])]
            examples.append(" and ".join(_shown(named, row, "assigned") for row in firsts))
    if count:
        text = (
            f"Found {counted(count, 'group')} of pictures, or copies of one picture, that are "
            "given different splits. New pictures of such a group are all in the split that keeps "
            "most from training; known ones stay where they are. Give them one split, or different "
            f"groups: {'; '.join(examples)}."
        )
        yield Finding(kind="split_conflict", severity="warning", text=text)


def _moved_findings(pictures: pa.Table, data_set: pa.Table) -> Iterator[Finding]:
    """Yield a finding about pictures that are in another split than for the baseline.

    Args:
        pictures: Pictures of this run.
        data_set: Pictures that the baseline was made from.
    """
    now, bits = _bits(pictures["split"]), _bits(data_set["split"])
    before = _SplitsByKey.of(_digests(data_set["content"]), bits).find(
        _digests(pictures["content"])
    )
    groups = _digests(data_set["group"])
    has_group = groups != NO_GROUP
    of_group = _SplitsByKey.of(groups[has_group], bits[has_group]).find(_digests(pictures["group"]))
    moved = (before != 0) & (before & now == 0)
    leaked = (now == TEST) & ((before | of_group) & ~TEST != 0)
    if not moved.any() and not leaked.any():
        return
    text = ""
    severity: Severity = "information"
    if moved.any():
        examples = [_shown(pictures, row, "split") for row in np.flatnonzero(moved)[:EXAMPLES]]
        text = (
            f"Found {counted(int(moved.sum()), 'picture')} in another split than for the serving "
            f"version: {', '.join(examples)}. "
        )
    if leaked.any():
        severity = "warning"
        examples = [_shown(pictures, row, "split") for row in np.flatnonzero(leaked)[:EXAMPLES]]
        text += (
            f"The serving version was trained or tuned on {counted(int(leaked.sum()), 'picture')} "
            f"of the test split or on others of their groups: {', '.join(examples)}. Its metrics "
            "on them are too optimistic, and so are those of a candidate that starts from its "
            "weights (warm_start). "
        )
    text += "A new group, a copy, another setting of split, or a manifest can move pictures."
    yield Finding(kind="moved_splits", severity=severity, text=text)


def _digests(column: pa.ChunkedArray) -> npt.NDArray[np.bytes_]:
    content = b"".join(digest or NO_GROUP for digest in column.to_pylist())
    return np.frombuffer(content, f"S{DIGEST_BYTES}")


def _bits(column: pa.ChunkedArray) -> Bits:
    codes = {split: 1 << code for code, split in enumerate(SPLITS)}
    return np.array([codes[split] for split in column.to_pylist()], np.uint8)


def _num_splits(bits: Bits) -> npt.NDArray[np.int_]:
    return np.sum([bits >> code & 1 for code in range(len(SPLITS))], axis=0)


def _shown(pictures: pa.Table, row: int, split: str) -> str:
    name = pictures[example_features.IMAGE_ID][int(row)].as_py().decode("utf-8", "replace")
    return f"{quoted(name)} ({pictures[split][int(row)].as_py()})"

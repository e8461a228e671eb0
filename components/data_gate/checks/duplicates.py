"""Pictures that are in the data more than once, as copies of one file or as lookalikes."""

import io
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from tfx.dsl.io import fileio

from components.data_gate.checks.catalog_columns import (
    NAMES,
    CatalogColumns,
    read_columns,
    read_image_ids,
)
from components.data_gate.checks.hamming_search import (
    count_set_bits,
    find_lookalikes,
    group_equal,
)
from trainer_module.contract import example_features
from trainer_module.contract.output_text.spreadsheet_csv import SpreadsheetWriter

#: Name of the file with all pairs, next to the findings that mention it.
LOOKALIKES = "lookalikes.csv"

#: Largest number of lookalikes to search for, and of pairs to list.
MAX_PAIRS = 100_000

Kind = Literal["label_conflict", "copy", "lookalike"]

Rows: TypeAlias = npt.NDArray[np.int64]


class Picture(NamedTuple):
    """Where a picture comes from; `image_id` may hold bytes that are no UTF-8."""

    image_id: bytes
    domain: str
    label: str
    split: str


class Pair(NamedTuple):
    """Two pictures; `bits` is how many bits of their perceptual hashes differ."""

    first: Picture
    second: Picture
    kind: Kind
    bits: int


@dataclass(frozen=True)
class Duplicates:
    """Copies and lookalikes in a catalog.

    Files of one content are all paired with the first of them, and so are different files of one
    perceptual hash. A group of n pictures counts as n - 1 pairs.

    Attributes:
        total: Number of pairs, listed or not.
        copies: Number of files whose content an earlier file has too.
        conflicts: Number of contents that are under more than one label.
        across_splits: Number of pairs, of any kind, whose pictures are in two splits.
        across_domains: Number of pairs, of any kind, whose pictures are in two domains.
        pairs: Listed pairs, the most serious first: conflicts, pairs across splits, labels,
            domains, others. At most `MAX_PAIRS`.
        truncated: Whether the search for lookalikes was cut short, so that there are more of them.
    """

    total: int = 0
    copies: int = 0
    conflicts: int = 0
    across_splits: int = 0
    across_domains: int = 0
    pairs: list[Pair] = field(default_factory=list)
    truncated: bool = False


@dataclass(frozen=True)
class _RowPairs:
    """Pairs of rows of the catalog, [pairs]; `copy` is true for files of one content."""

    first: Rows
    second: Rows
    copy: npt.NDArray[np.bool_]

    def differ(self, values: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        return np.asarray(values[self.first] != values[self.second])

    def take(self, which: Rows) -> "_RowPairs":
        return _RowPairs(self.first[which], self.second[which], self.copy[which])


def find_duplicates(catalog_uri: str) -> Duplicates:
    """Find copies and lookalikes in a catalog.

    Memory: less than 300 bytes per picture.

    Args:
        catalog_uri: URI of ingestion's `catalog` artifact.
    """
    columns = read_columns(catalog_uri)
    pairs, truncated = _find_pairs(columns)
    differ = {name: pairs.differ(codes) for name, codes in columns.codes.items()}
    conflict = pairs.copy & differ[example_features.LABEL]
    most_serious_first = (
        conflict,
        differ["split"],
        differ[example_features.LABEL],
        differ[example_features.DOMAIN],
    )
    listed = np.lexsort([~key for key in reversed(most_serious_first)])[:MAX_PAIRS]
    return Duplicates(
        total=len(pairs.first),
        copies=int(pairs.copy.sum()),
        conflicts=len(np.unique(pairs.first[conflict])),
        across_splits=int(differ["split"].sum()),
        across_domains=int(differ[example_features.DOMAIN].sum()),
        pairs=_list_pairs(catalog_uri, columns, pairs.take(listed), conflict[listed]),
        truncated=truncated,
    )


def write_pairs(duplicates: Duplicates, path: str) -> None:
    """Write one row per pair, as CSV, see `spreadsheet_csv`.

    Image ids are written as the bytes they are: read the file as UTF-8 with `surrogateescape`.

    Args:
        duplicates: Result of `find_duplicates`.
        path: Path or URI of the file to write.
    """
    text = io.StringIO(newline="")
    sides = [f"{side}_{name}" for side in ("first", "second") for name in NAMES]
    writer = SpreadsheetWriter(text, ["first", "second", "kind", "bits", *sides])
    for pair in duplicates.pairs:
        ids = [one.image_id.decode("utf-8", "surrogateescape") for one in (pair.first, pair.second)]
        writer.write_row([*ids, pair.kind, pair.bits, *pair.first[1:], *pair.second[1:]])
    with fileio.open(path, "wb") as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def _find_pairs(columns: CatalogColumns) -> tuple[_RowPairs, bool]:
    """Pairs of rows, and whether the search was cut short.

    Only the first picture of each content and of each perceptual hash takes part in the search.
    """
    contents, copies = group_equal(columns.hashes["content"])
    lookalikes, truncated = find_lookalikes(columns.hashes["look"][contents], MAX_PAIRS)
    both = np.concatenate([copies, contents[lookalikes]], axis=1)
    return _RowPairs(both[0], both[1], np.arange(both.shape[1]) < copies.shape[1]), truncated


def _list_pairs(
    catalog_uri: str, columns: CatalogColumns, pairs: _RowPairs, conflict: npt.NDArray[np.bool_]
) -> list[Pair]:
    image_ids = read_image_ids(catalog_uri, np.unique([pairs.first, pairs.second]))
    pictures = {row: Picture(image_id, *columns.values(row)) for row, image_id in image_ids.items()}
    looks = columns.hashes["look"]
    bits = count_set_bits(looks[pairs.first] ^ looks[pairs.second])
    kinds: list[Kind] = ["lookalike", "copy", "label_conflict"]
    return [
        Pair(pictures[first], pictures[second], kinds[kind], distance)
        for first, second, kind, distance in zip(
            pairs.first.tolist(),
            pairs.second.tolist(),
            (pairs.copy.astype(int) + conflict).tolist(),
            bits.tolist(),
            strict=True,
        )
    ]

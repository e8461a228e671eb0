"""Pictures that are in the data more than once, as copies of one file or as lookalikes."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from tfx.dsl.io import fileio

from components.data_gate.findings import Finding
from components.data_gate.wording import counted, quoted
from components.image_example_gen.catalog import read_catalog
from trainer_module.contract import example_features

#: Name of the file with all pairs, beside the findings that mention it.
LOOKALIKES = "lookalikes.csv"

#: Lookalikes differ in at most this share of the bits of their perceptual hashes: 24 of 256.
#: Measured on the 6,913 photos, paintings, cartoons and sketches of PACS: up to here all pairs were
#: one picture, or one drawing in two colours; at 30 bits came the first two different sketches. It
#: finds 99 % of those that were compressed again, made smaller or brighter, but few of those that
#: lost 2 % at every edge.
MAX_SHARE = 24 / 256

#: A picture that varies in one direction only, or not at all, has hardly any bit set: at most 14
#: of 256, where others have half of them. Such hashes are alike whatever the pictures are.
MIN_SET_SHARE = 1 / 8

#: Lookalikes that are looked for, and pairs that are listed.
MAX_PAIRS = 100_000

#: Comparisons per look-up of all pictures in one table, see `lookalikes`. It bounds the time that
#: is spent on a million pictures of nearly one kind; random hashes stay far below.
MAX_COMPARISONS = 20_000_000

#: Comparisons at a time. It bounds memory, and fits a processor's cache.
BLOCK = 1 << 18

#: Findings name so many pairs.
EXAMPLES = 3

_HASHES = ("content", "look")
_NAMES = (example_features.DOMAIN, example_features.LABEL, "split")

Kind = Literal["label_conflict", "copy", "lookalike"]


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
    """What was found.

    Files of one content are all paired with the first of them, and so are different files of one
    perceptual hash. A group of them counts for one pair less than it has members.

    Attributes:
        total: pairs, listed or not.
        copies: files whose content another file before them has.
        conflicts: contents that are under more than one label.
        across_splits: pairs, of any kind, whose pictures are in two splits.
        across_domains: pairs, of any kind, whose pictures are in two domains.
        pairs: the most serious first: conflicts, pairs across splits, labels, domains, others.
            At most `MAX_PAIRS`.
        more: whether the search for lookalikes was cut short, so that there are more of them.
    """

    total: int = 0
    copies: int = 0
    conflicts: int = 0
    across_splits: int = 0
    across_domains: int = 0
    pairs: list[Pair] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True)
class _Columns:
    """The columns of the catalog: hashes, uint8 [n, bytes]; names and their codes, int32 [n]."""

    hashes: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    names: dict[str, list[str]]


@dataclass(frozen=True)
class _Links:
    """Pairs of rows of the catalog, [pairs]."""

    first: np.ndarray
    second: np.ndarray
    copy: np.ndarray

    def differ(self, values: np.ndarray) -> np.ndarray:
        return values[self.first] != values[self.second]

    def take(self, which: np.ndarray) -> "_Links":
        return _Links(self.first[which], self.second[which], self.copy[which])


def find_duplicates(catalog_uri: str) -> Duplicates:
    """Find copies and lookalikes in a catalog.

    Memory: 60 bytes per picture for its columns, and less than 300 in all while it searches.

    Args:
        catalog_uri: of ingestion's `catalog` artifact.
    """
    columns = _read_columns(catalog_uri)
    links, more = _links(columns)
    differ = {name: links.differ(codes) for name, codes in columns.codes.items()}
    conflict = links.copy & differ[example_features.LABEL]
    keys = (
        conflict,
        differ["split"],
        differ[example_features.LABEL],
        differ[example_features.DOMAIN],
    )
    listed = np.lexsort([~key for key in reversed(keys)])[:MAX_PAIRS]
    return Duplicates(
        total=len(links.first),
        copies=int(links.copy.sum()),
        conflicts=len(np.unique(links.first[conflict])),
        across_splits=int(differ["split"].sum()),
        across_domains=int(differ[example_features.DOMAIN].sum()),
        pairs=_pairs(catalog_uri, columns, links.take(listed), conflict[listed]),
        more=more,
    )


def duplicate_findings(found: Duplicates) -> list[Finding]:
    """Say what was found, where there is anything."""
    return [*_copy_findings(found), *_lookalike_findings(found)]


def write_pairs(found: Duplicates, path: str) -> None:
    """Write one row per pair, as CSV.

    Image ids are written as the bytes they are: read the file as UTF-8 with `surrogateescape`.

    Args:
        found: by `find_duplicates`.
        path: or URI of the file.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    sides = [f"{side}_{name}" for side in ("first", "second") for name in _NAMES]
    writer.writerow(["first", "second", "kind", "bits", *sides])
    for pair in found.pairs:
        ids = [one.image_id.decode("utf-8", "surrogateescape") for one in (pair.first, pair.second)]
        writer.writerow([*ids, pair.kind, pair.bits, *pair.first[1:], *pair.second[1:]])
    with fileio.open(path, "wb") as file:
        file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def lookalikes(looks: np.ndarray, max_bits: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Find all pairs of hashes that differ in few bits.

    Multi-index hashing (Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index
    hashing", CVPR 2012): with max_bits // 2 + 1 bands of bits, two such hashes differ in at most
    one bit of at least one band. Each band has a table, in which all hashes are looked up, as they
    are and with each bit of the band flipped.

    Args:
        looks: uint8 [n, bytes], bytes a multiple of 8. All different.
        max_bits: largest number of bits that may differ. At least a twelfth of all bits, or the
            bands get wide and their tables large.

    Returns:
        Two rows per pair, int64 [pairs] each, and whether the search was cut short: by
        `MAX_PAIRS`, or by `MAX_COMPARISONS` where too many hashes share a band.
    """
    bands = max_bits // 2 + 1
    found: np.ndarray = np.empty(0, np.int64)
    cut = False
    for band in range(bands):
        bits = np.arange(band, looks.shape[1] * 8, bands)
        keys = _band(looks, bits)
        order = np.argsort(keys, kind="stable")
        keys, words = keys[order], [word[order] for word in looks.view(np.uint64).T]
        table: np.ndarray = np.zeros((1 << len(bits)) + 1, np.int32)
        np.cumsum(np.bincount(keys, minlength=1 << len(bits)), out=table[1:])
        for flip in (0, *(1 << bit for bit in range(len(bits)))):
            start, count = _look_up(keys, table, flip)
            if count.sum() > MAX_COMPARISONS:
                count, cut = np.minimum(count, MAX_COMPARISONS // len(count)), True
            for first, second in _comparisons(start, count):
                rows = order[_near(words, first, second, max_bits)]
                if rows.size:
                    rows.sort(axis=0)
                    found = np.union1d(found, rows[0] * len(looks) + rows[1])
                if len(found) > MAX_PAIRS:
                    return *np.divmod(found[:MAX_PAIRS], len(looks)), True
    return *np.divmod(found, len(looks)), cut


def _read_columns(catalog_uri: str) -> _Columns:
    parts: dict[str, list[np.ndarray]] = {name: [] for name in (*_HASHES, *_NAMES)}
    known: dict[str, dict[str, int]] = {name: {} for name in _NAMES}
    for table in read_catalog(catalog_uri, [*_HASHES, *_NAMES]):
        if table.num_rows:  # a chunk of rejected files has none
            for name in _HASHES:
                parts[name].append(_fixed_width(table[name]))
            for name in _NAMES:
                parts[name].append(_encoded(table[name], known[name]))
    columns = {name: np.concatenate(parts.pop(name)) for name in (*_HASHES, *_NAMES)}
    return _Columns(
        hashes={name: columns[name] for name in _HASHES},
        codes={name: columns[name] for name in _NAMES},
        names={name: list(known[name]) for name in _NAMES},
    )


def _fixed_width(column: pa.ChunkedArray) -> np.ndarray:
    array = pa.concat_arrays(column.chunks)
    width = array.type.bit_width // 8
    values = np.frombuffer(array.buffers()[1], np.uint8)[array.offset * width :]
    return values[: len(array) * width].reshape(-1, width).copy()


def _encoded(column: pa.ChunkedArray, known: dict[str, int]) -> np.ndarray:
    array = pa.concat_arrays(column.chunks).dictionary_encode()
    codes = [known.setdefault(name, len(known)) for name in array.dictionary.to_pylist()]
    return np.array(codes, np.int32)[array.indices.to_numpy()]


def _links(columns: _Columns) -> tuple[_Links, bool]:
    """Equal ones are linked to the first of them, and only that one is looked at any further."""
    looks = columns.hashes["look"]
    contents, copies = _collapse(columns.hashes["content"])
    telling = contents[_set_bits(looks)[contents] >= looks.shape[1] * 8 * MIN_SET_SHARE]
    unique, twins = _collapse(looks[telling])
    rows = telling[unique]
    first, second, more = lookalikes(looks[rows], int(looks.shape[1] * 8 * MAX_SHARE))
    similar = [telling[twins], np.stack([rows[first], rows[second]])]
    both = np.concatenate([copies, *similar], axis=1)
    return _Links(both[0], both[1], np.arange(both.shape[1]) < copies.shape[1]), more


def _collapse(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the first of each hash, [unique]; first and further rows of the rest, [2, rest]."""
    words: np.ndarray = hashes.view(np.uint64)
    order = np.lexsort(words.T)  # stable, so the first row of a hash stays the first
    new: np.ndarray = np.ones(len(order), bool)
    for word in words.T:
        new[1:] &= word[order[1:]] == word[order[:-1]]
    new[1:] = ~new[1:]
    firsts = order[new][np.cumsum(new) - 1]
    return np.sort(order[new]), np.stack([firsts[~new], order[~new]])


def _set_bits(hashes: np.ndarray) -> np.ndarray:
    bits: np.ndarray = np.zeros(len(hashes), np.int64)
    for word in hashes.view(np.uint64).T:
        bits += _popcount(word.copy())
    return bits


def _popcount(words: np.ndarray) -> np.ndarray:
    """Number of set bits of uint64, in place: sums of pairs, nibbles, bytes (NumPy 1 has none)."""
    words -= (words >> np.uint64(1)) & np.uint64(0x5555555555555555)
    words[:] = (words & np.uint64(0x3333333333333333)) + (
        (words >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    words += words >> np.uint64(4)
    words &= np.uint64(0x0F0F0F0F0F0F0F0F)
    words *= np.uint64(0x0101010101010101)
    words >>= np.uint64(56)
    return words.view(np.int64)


def _band(looks: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Some bits of each hash as one number, int32 [n].

    A band takes every so-many-th bit: neighbours depend on each other, and would fill few slots of
    the table with many hashes.
    """
    keys: np.ndarray = np.zeros(len(looks), np.int32)
    for bit in bits:
        keys <<= 1
        keys |= (looks[:, bit // 8] >> (bit % 8)) & 1
    return keys


def _look_up(keys: np.ndarray, table: np.ndarray, flip: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the partners of each hash start in sorted `keys`, and how many they are, [n] each.

    Only partners with a greater key or a later place count, so that a pair comes up once.
    """
    if not flip:
        start: np.ndarray = np.arange(1, len(keys) + 1, dtype=np.int32)
        return start, table[keys + 1] - start
    others = keys ^ flip
    start = table[others]
    return start, np.where(others > keys, table[others + 1] - start, 0)


def _comparisons(start: np.ndarray, count: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of the two hashes of each comparison, about `BLOCK` at a time."""
    rows = np.flatnonzero(count)
    start, count = start[rows], count[rows]
    ends = np.cumsum(count)
    position = 0
    while position < len(rows):
        before = ends[position] - count[position]
        stop = max(position + 1, int(np.searchsorted(ends, before + BLOCK, "right")))
        part = slice(position, stop)
        shift: np.ndarray = np.repeat(
            start[part] - (ends[part] - count[part] - before), count[part]
        )
        yield np.repeat(rows[part], count[part]), np.arange(len(shift)) + shift
        position = stop


def _near(
    words: list[np.ndarray], first: np.ndarray, second: np.ndarray, max_bits: int
) -> np.ndarray:
    """Those comparisons whose hashes are near each other, [2, near]."""
    bits: np.ndarray = np.zeros(len(first), np.int64)
    for word in words:
        bits = bits + _popcount(word[first] ^ word[second])
        near = bits <= max_bits
        first, second, bits = first[near], second[near], bits[near]
    return np.stack([first, second])


def _pairs(catalog_uri: str, columns: _Columns, links: _Links, conflict: np.ndarray) -> list[Pair]:
    pictures = _pictures(catalog_uri, columns, np.unique([links.first, links.second]))
    looks = columns.hashes["look"]
    bits = _set_bits(looks[links.first] ^ looks[links.second])
    kinds: list[Kind] = ["lookalike", "copy", "label_conflict"]
    return [
        Pair(pictures[first], pictures[second], kinds[kind], distance)
        for first, second, kind, distance in zip(
            links.first.tolist(),
            links.second.tolist(),
            (links.copy.astype(int) + conflict).tolist(),
            bits.tolist(),
            strict=True,
        )
    ]


def _pictures(catalog_uri: str, columns: _Columns, rows: np.ndarray) -> dict[int, Picture]:
    """Read the ids of a few rows, which is why the search need not hold those of all."""
    pictures, offset = {}, 0
    for table in read_catalog(catalog_uri, [example_features.IMAGE_ID]):
        wanted = rows[(rows >= offset) & (rows < offset + table.num_rows)]
        ids = table[example_features.IMAGE_ID].take(pa.array(wanted - offset)).to_pylist()
        for row, image_id in zip(wanted.tolist(), ids, strict=True):
            names = (columns.names[name][columns.codes[name][row]] for name in _NAMES)
            pictures[row] = Picture(image_id, *names)
        offset += table.num_rows
    return pictures


def _copy_findings(found: Duplicates) -> Iterator[Finding]:
    if found.copies:
        text = (
            f"Found {counted(found.copies, 'file')} with the content of another file; a picture "
            f"weighs in training as often as it is there, so delete the copies that are there by "
            f"mistake (see {LOOKALIKES})."
        )
        yield Finding(kind="copies", severity="information", text=text)
    if found.conflicts:
        conflicts = (pair for pair in found.pairs if pair.kind == "label_conflict")
        examples = "; ".join(_contradiction(pair) for pair in islice(conflicts, EXAMPLES))
        text = (
            f"Found {counted(found.conflicts, 'picture')} under more than one label; keep each "
            f"under the right one only (see {LOOKALIKES}): {examples}."
        )
        yield Finding(kind="label_conflict", severity="warning", text=text)


def _lookalike_findings(found: Duplicates) -> Iterator[Finding]:
    least = "at least " if found.more else ""
    if found.across_splits:
        text = (
            f"Found {least}{counted(found.across_splits, 'pair')} of pictures that look alike but "
            f"are in different splits, so the test is easier than it looks; give both the same "
            f"group in a manifest, or delete one (see {LOOKALIKES}): {_examples(found, 'split')}."
        )
        yield Finding(kind="lookalike_splits", severity="warning", text=text)
    if found.across_domains:
        text = (
            f"Found {least}{counted(found.across_domains, 'pair')} of pictures that look alike but "
            f"are in different domains; check that no picture is in the wrong one (see "
            f"{LOOKALIKES}): {_examples(found, 'domain')}."
        )
        yield Finding(kind="lookalike_domains", severity="information", text=text)
    if len(found.pairs) < found.total or found.more:
        text = (
            f"Found {least}{counted(found.total, 'pair')} of copies and lookalikes, and listed the "
            f"{len(found.pairs):,} most serious in {LOOKALIKES}; deal with those, and run again."
        )
        yield Finding(kind="many_lookalikes", severity="information", text=text)


def _contradiction(pair: Pair) -> str:
    first, second = pair.first, pair.second
    return (
        f"the same picture is {quoted(first.label)} and {quoted(second.label)}: "
        f"{_shown(first)}, {_shown(second)}"
    )


def _examples(found: Duplicates, what: str) -> str:
    """The first pairs whose pictures differ in their `split` or `domain`, with both."""
    places = (
        [(picture, getattr(picture, what)) for picture in (pair.first, pair.second)]
        for pair in found.pairs
    )
    differing = (pair for pair in places if pair[0][1] != pair[1][1])
    return "; ".join(
        " and ".join(f"{_shown(picture)} ({place})" for picture, place in pair)
        for pair in islice(differing, EXAMPLES)
    )


def _shown(picture: Picture) -> str:
    return quoted(picture.image_id.decode("utf-8", "replace"))

"""Search for pairs of binary hashes that differ in few bits, such as those of lookalikes."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Hashes: TypeAlias = npt.NDArray[np.uint8]
Integers: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]

#: Lookalikes differ in at most this share of the bits of their perceptual hashes: 24 of 256.
#: Measured on the 6,913 photos, paintings, cartoons and sketches of PACS: up to here all pairs were
#: one picture, or one drawing in two colours; at 30 bits came the first two different sketches. It
#: finds 99 % of the pictures that were compressed again, made smaller or brighter, but few of those
#: that lost 2 % at every edge.
MAX_SHARE = 24 / 256

#: A picture that varies in one direction only, or not at all, has hardly any bit set: at most 14
#: of 256, where others have half of them. Such hashes are alike whatever the pictures are.
MIN_SET_SHARE = 1 / 8

#: Comparisons per look-up of all hashes in one table. It bounds the time spent on a million
#: pictures of nearly one kind; random hashes stay far below.
MAX_COMPARISONS = 20_000_000

#: Number of hashes up to which each is compared with each. The tables have millions of slots, which
#: take a tenth of a second to fill even for two hashes.
MAX_COMPARED = 2_000

#: Comparisons at a time. It bounds memory, and fits a processor's cache.
BLOCK = 1 << 18


def hamming_search(
    hashes: Hashes, max_bits: int, max_pairs: int
) -> tuple[Integers, Integers, bool]:
    """Find all pairs of hashes that differ in few bits.

    Multi-index hashing (Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index
    hashing", CVPR 2012): with max_bits // 2 + 1 bands of bits, two such hashes differ in at most
    one bit of at least one band. Each band has a table, in which all hashes are looked up, as they
    are and with each bit of the band flipped. Up to `MAX_COMPARED` hashes need no tables.

    Args:
        hashes: Different hashes, uint8 [n, bytes], bytes a multiple of 8.
        max_bits: Largest number of bits that may differ. At least a twelfth of all bits, or the
            bands get wide and their tables large.
        max_pairs: Largest number of pairs to return.

    Returns:
        The first and the second row of each pair, int64 [pairs] each, and whether the search was
        cut short: by `max_pairs`, or by `MAX_COMPARISONS` where too many hashes share a band.

    Example:
        >>> import numpy as np
        >>> from components.data_gate.checks.hamming_search import hamming_search
        >>> hashes = np.zeros((3, 8), np.uint8)
        >>> hashes[1] = 255  # differs from the others in all 64 bits
        >>> hashes[2, 0] = 0b101  # differs from the first in 2 bits
        >>> first, second, truncated = hamming_search(hashes, max_bits=6, max_pairs=10)
        >>> first.tolist(), second.tolist(), truncated
        ([0], [2], False)
    """
    if len(hashes) <= MAX_COMPARED:
        return _compare_all(hashes, max_bits, max_pairs)
    bands = max_bits // 2 + 1
    pairs: Integers = np.empty(0, np.int64)
    truncated = False
    for band in range(bands):
        bits = np.arange(band, hashes.shape[1] * 8, bands)
        keys = _band_keys(hashes, bits)
        order = np.argsort(keys, kind="stable")
        keys, words = keys[order], [word[order] for word in hashes.view(np.uint64).T]
        table: npt.NDArray[np.int32] = np.zeros((1 << len(bits)) + 1, np.int32)
        np.cumsum(np.bincount(keys, minlength=1 << len(bits)), out=table[1:])
        for flip in (0, *(1 << bit for bit in range(len(bits)))):
            start, count = _look_up(keys, table, flip)
            if count.sum() > MAX_COMPARISONS:
                count, truncated = np.minimum(count, MAX_COMPARISONS // len(count)), True
            for first, second in _comparisons(start, count):
                rows = order[_near(words, first, second, max_bits)]
                if rows.size:
                    rows.sort(axis=0)
                    pairs = np.union1d(pairs, rows[0] * len(hashes) + rows[1])
                if len(pairs) > max_pairs:
                    return *np.divmod(pairs[:max_pairs], len(hashes)), True
    return *np.divmod(pairs, len(hashes)), truncated


def find_lookalikes(hashes: Hashes, max_pairs: int) -> tuple[Integers, bool]:
    """Find pictures that look alike by their perceptual hashes, see `MAX_SHARE`.

    Of several equal hashes, the first is paired with each of the others, and takes part in the
    search. Hashes that are not distinctive have no pairs, see `MIN_SET_SHARE`.

    Args:
        hashes: Perceptual hashes, uint8 [n, bytes], bytes a multiple of 8.
        max_pairs: Largest number of pairs of different hashes to return.

    Returns:
        The rows of each pair, int64 [2, pairs], the lower row first; and whether the search was
        cut short, see `hamming_search`.
    """
    bits = hashes.shape[1] * 8
    distinctive = np.flatnonzero(count_set_bits(hashes) >= bits * MIN_SET_SHARE)
    unique, equal = group_equal(hashes[distinctive])
    rows = distinctive[unique]
    first, second, truncated = hamming_search(hashes[rows], int(bits * MAX_SHARE), max_pairs)
    pairs = [distinctive[equal], np.stack([rows[first], rows[second]])]
    return np.concatenate(pairs, axis=1), truncated


def group_equal(hashes: Hashes) -> tuple[Integers, Integers]:
    """Find equal hashes.

    Args:
        hashes: Hashes, uint8 [n, bytes], bytes a multiple of 8.

    Returns:
        Rows of the first of each hash, sorted, int64 [unique]; and first and further rows of the
        rest, int64 [2, rest].
    """
    words: Words = hashes.view(np.uint64)
    order = np.lexsort(words.T)  # stable, so the first row of a hash stays the first
    new: npt.NDArray[np.bool_] = np.ones(len(order), bool)
    for word in words.T:
        new[1:] &= word[order[1:]] == word[order[:-1]]
    new[1:] = ~new[1:]
    firsts = order[new][np.cumsum(new) - 1]
    return np.sort(order[new]), np.stack([firsts[~new], order[~new]])


def count_set_bits(hashes: Hashes) -> Integers:
    """Return the number of set bits of each hash, int64 [n].

    Args:
        hashes: Hashes, uint8 [n, bytes], bytes a multiple of 8.
    """
    bits: Integers = np.zeros(len(hashes), np.int64)
    for word in hashes.view(np.uint64).T:
        bits += _popcount(word.copy())
    return bits


def _compare_all(hashes: Hashes, max_bits: int, max_pairs: int) -> tuple[Integers, Integers, bool]:
    """Find the pairs of `hamming_search` by comparing each hash with each later one."""
    words = list(hashes.view(np.uint64).T)
    start: npt.NDArray[np.int32] = np.arange(1, len(hashes) + 1, dtype=np.int32)
    near = [_near(words, *both, max_bits) for both in _comparisons(start, len(hashes) - start)]
    pairs = np.concatenate([np.empty((2, 0), np.int64), *near], axis=1)
    first, second = pairs[:, :max_pairs]
    return first, second, pairs.shape[1] > max_pairs


def _popcount(words: Words) -> Integers:
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


def _band_keys(hashes: Hashes, bits: Integers) -> npt.NDArray[np.int32]:
    """Some bits of each hash as one number, int32 [n].

    A band takes every so-many-th bit: neighbours depend on each other, and would fill few slots of
    the table with many hashes.
    """
    keys: npt.NDArray[np.int32] = np.zeros(len(hashes), np.int32)
    for bit in bits:
        keys <<= 1
        keys |= (hashes[:, bit // 8] >> (bit % 8)) & 1
    return keys


def _look_up(
    keys: npt.NDArray[np.int32], table: npt.NDArray[np.int32], flip: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Start and number of the hashes in sorted `keys` to compare each hash with, [n] each.

    Only hashes with a greater key or a later position count, so that each pair comes up once.
    """
    if not flip:
        start: npt.NDArray[np.int32] = np.arange(1, len(keys) + 1, dtype=np.int32)
        return start, table[keys + 1] - start
    others = keys ^ flip
    start = table[others]
    return start, np.where(others > keys, table[others + 1] - start, 0)


def _comparisons(
    start: npt.NDArray[np.int32], count: npt.NDArray[np.int32]
) -> Iterator[tuple[Integers, Integers]]:
    """Positions of the two hashes of each comparison, about `BLOCK` comparisons at a time."""
    rows = np.flatnonzero(count)
    start, count = start[rows], count[rows]
    ends = np.cumsum(count)
    position = 0
    while position < len(rows):
        before = ends[position] - count[position]
        stop = max(position + 1, int(np.searchsorted(ends, before + BLOCK, "right")))
        part = slice(position, stop)
        shift: Integers = np.repeat(start[part] - (ends[part] - count[part] - before), count[part])
        yield np.repeat(rows[part], count[part]), np.arange(len(shift)) + shift
        position = stop


def _near(words: list[Words], first: Integers, second: Integers, max_bits: int) -> Integers:
    """Comparisons whose hashes differ in at most `max_bits` bits, [2, pairs]."""
    bits: Integers = np.zeros(len(first), np.int64)
    for word in words:
        bits = bits + _popcount(word[first] ^ word[second])
        near = bits <= max_bits
        first, second, bits = first[near], second[near], bits[near]
    return np.stack([first, second])

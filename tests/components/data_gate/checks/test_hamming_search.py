import numpy as np
import pytest

from components.data_gate.checks import hamming_search as module
from components.data_gate.checks.hamming_search import count_set_bits, hamming_search


def near_duplicates(width: int, count: int) -> np.ndarray:
    """Random hashes, and each again with 0 to 40 bits flipped; all different."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 2, (count, width * 8), np.uint8)
    flipped = bits.copy()
    for number, changed in enumerate(flipped):
        changed[random.choice(width * 8, number % 41, replace=False)] ^= 1
    return np.unique(
        np.packbits(np.concatenate([bits, flipped]), axis=-1).reshape(-1, width), axis=0
    )


def pairs_by_brute_force(hashes: np.ndarray, max_bits: int) -> set[tuple[int, int]]:
    bits = np.unpackbits(hashes, axis=1).astype(np.float32)
    equal = bits @ bits.T + (1 - bits) @ (1 - bits).T
    first, second = np.nonzero(np.triu(equal >= hashes.shape[1] * 8 - max_bits, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


@pytest.mark.parametrize("max_compared", [0, 2_000])
@pytest.mark.parametrize(("width", "max_bits"), [(32, 24), (32, 25), (8, 6), (8, 7)])
def test_the_search_finds_exactly_what_comparing_all_with_all_finds(
    monkeypatch, width, max_bits, max_compared
):
    monkeypatch.setattr(module, "MAX_COMPARED", max_compared)
    hashes = near_duplicates(width, 600)
    first, second, truncated = hamming_search(hashes, max_bits, 1_000)
    expected = pairs_by_brute_force(hashes, max_bits)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == expected
    assert len(first) == len(expected)
    assert len(expected) > 50
    assert not truncated


@pytest.mark.parametrize("max_compared", [0, 2_000])
def test_the_search_takes_blocks_of_any_size(monkeypatch, max_compared):
    hashes = near_duplicates(8, 300)
    monkeypatch.setattr(module, "MAX_COMPARED", max_compared)
    monkeypatch.setattr(module, "BLOCK", 7)
    first, second, _ = hamming_search(hashes, 6, 1_000)
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    assert pairs == pairs_by_brute_force(hashes, 6)


def test_where_too_many_hashes_share_a_band_the_search_is_cut_short_and_says_so(monkeypatch):
    hashes = near_duplicates(8, 300)
    monkeypatch.setattr(module, "MAX_COMPARED", 0)
    monkeypatch.setattr(module, "MAX_COMPARISONS", 0)
    first, _, truncated = hamming_search(hashes, 6, 1_000)
    assert not len(first)
    assert truncated


@pytest.mark.parametrize("max_compared", [0, 2_000])
def test_the_search_is_cut_short_after_the_largest_number_of_pairs(monkeypatch, max_compared):
    monkeypatch.setattr(module, "MAX_COMPARED", max_compared)
    first, second, truncated = hamming_search(near_duplicates(8, 300), 6, 10)
    assert len(first) == len(second) == 10
    assert truncated


def test_set_bits_are_counted():
    hashes = near_duplicates(16, 50)
    assert count_set_bits(hashes).tolist() == np.unpackbits(hashes, axis=1).sum(axis=1).tolist()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_hashes_are_searched(count):
    hashes = np.packbits(np.eye(count, 64, dtype=np.uint8), axis=1)
    first, second, truncated = hamming_search(hashes, 6, 10)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 1)][: count // 2]
    assert not truncated

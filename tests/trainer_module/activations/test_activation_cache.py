from pathlib import Path

import numpy as np
import pytest

from trainer_module.activations.activation_cache import (
    ACTIVATIONS_FILE,
    KEY_BYTES,
    KEYS_FILE,
    ActivationCache,
    network_digest,
    read_limit,
    remove_full_cache,
    write_limit,
)
from trainer_module.contract.errors import UnavailableError

pytestmark = pytest.mark.component

SHAPE = (2, 3)
LIMIT = 2**20
ROW_BYTES = 12 + KEY_BYTES
A, B, C, D = (letter * 16 for letter in (b"a", b"b", b"c", b"d"))


def rows(*values: float) -> np.ndarray:
    return np.stack([np.full(SHAPE, value, np.float16) for value in values])


def open_cache(folder: Path, network: str = "net", limit: int = LIMIT) -> ActivationCache:
    return ActivationCache(str(folder), network, SHAPE, limit)


def add(cache: ActivationCache, names: list[bytes], view: int, array: np.ndarray) -> int:
    return cache.add(digests(names), view, array, np.arange(len(names)))


def digests(names: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(names), np.int64).reshape(-1, 2)


def values_of(cache: ActivationCache, names: list[bytes], view: int = 0) -> list[float | None]:
    """Return the first value of each cached row, None for rows that are not cached."""
    array = np.zeros((len(names), *SHAPE), np.float16)
    cached = cache.find(digests(names), view, array)
    return [float(row[0, 0]) if hit else None for row, hit in zip(array, cached, strict=True)]


@pytest.fixture
def folder(tmp_path):
    add(open_cache(tmp_path), [A, B], 0, rows(1, 2))
    return tmp_path


def test_the_next_process_finds_rows_by_picture_and_view(folder):
    cache = open_cache(folder)
    assert values_of(cache, [B, C, A]) == [2, None, 1]
    assert values_of(cache, [A], view=1) == [None]
    add(cache, [C], 1, rows(3))
    assert values_of(open_cache(folder), [C], view=1) == [3]


def test_a_picture_that_is_added_twice_does_not_move_other_rows(folder):
    add(open_cache(folder), [C, C], 0, rows(3, 3))
    cache = open_cache(folder)
    add(cache, [A], 1, rows(4))
    assert values_of(cache, [A, B, C]) == [1, 2, 3]
    assert values_of(cache, [A], view=1) == [4]


@pytest.mark.parametrize("name", [ACTIVATIONS_FILE, KEYS_FILE])
def test_what_a_killed_process_wrote_to_only_one_file_is_truncated(folder, name):
    with (folder / "net" / name).open("ab") as file:
        file.write(b"half a row or more than one of them" * 3)
    cache = open_cache(folder)
    add(cache, [C], 0, rows(3))
    assert values_of(open_cache(folder), [A, B, C]) == [1, 2, 3]


def test_the_rows_of_another_network_are_removed(folder):
    assert values_of(open_cache(folder, "other"), [A]) == [None]
    assert [path.name for path in folder.iterdir()] == ["other"]


def test_rows_beyond_the_limit_are_not_added_and_the_next_training_starts_anew(folder):
    cache = open_cache(folder, limit=3 * ROW_BYTES)
    assert add(cache, [C, D], 0, rows(3, 4)) == 1
    assert values_of(cache, [A, B, C, D]) == [1, 2, 3, None]
    assert values_of(open_cache(folder), [A]) == [1]  # another view of the same training
    remove_full_cache(str(folder))
    assert values_of(open_cache(folder), [A]) == [None]


def test_a_cache_with_room_is_kept_for_the_next_training(folder):
    add(open_cache(folder, limit=3 * ROW_BYTES), [C], 0, rows(3))
    remove_full_cache(str(folder))
    assert values_of(open_cache(folder), [A, C]) == [1, 3]


def test_the_limit_is_that_of_the_newest_run_and_a_missing_one_is_an_error(tmp_path):
    with pytest.raises(UnavailableError, match=r"limit of the activations .*Run the command again"):
        read_limit(str(tmp_path))
    for limit in (5, 3):
        write_limit(tmp_path / "new", limit)
    assert read_limit(str(tmp_path / "new")) == 3


def test_any_rows_of_an_array_are_appended(folder):
    cache = open_cache(folder)
    cache.add(digests([A, C, B, D]), 1, rows(1, 2, 3, 4), np.array([1, 3]))
    assert values_of(cache, [A, B, C, D], view=1) == [None, None, 2, 4]


def test_pictures_whose_digests_end_with_zeros_are_told_apart(tmp_path):
    names = [b"a" * 15 + b"\0", b"a" * 14 + b"\0\0", bytes(16)]
    cache = open_cache(tmp_path)
    add(cache, names[:2], 0, rows(1, 2))
    add(cache, names[:1], 1, rows(3))
    assert values_of(cache, names) == [1, 2, None]
    assert values_of(cache, names, view=1) == [3, None, None]


def test_a_network_digest_depends_on_weights_and_settings():
    weights = [np.ones(3), np.zeros(2)]
    assert network_digest(weights, 128) == network_digest([np.ones(3), np.zeros(2)], 128)
    assert network_digest(weights, 128) != network_digest(weights, 96)
    assert network_digest(weights, 128) != network_digest([np.ones(3), np.ones(2)], 128)


def test_digests_and_file_names_stay_the_same_in_every_version():
    """Another digest or file name would lose the caches of all workspaces without a message."""
    weights = [np.arange(3, dtype=np.float32)]
    digest = network_digest(weights, "efficientnet_lite0_lower", 128, "medium", 17, "float32")
    assert digest == "983965ab616b5f85efa00a68f3e6d75a"
    assert (ACTIVATIONS_FILE, KEYS_FILE) == ("features.bin", "keys.bin")

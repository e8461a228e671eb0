import numpy as np
import pytest

from trainer_module.activations.activation_cache import (
    ACTIVATIONS_FILE,
    KEYS_FILE,
    ActivationCache,
    network_digest,
)

pytestmark = pytest.mark.component

SHAPE = (2, 3)
A, B, C = (letter * 16 for letter in (b"a", b"b", b"c"))


def rows(*values: float) -> np.ndarray:
    return np.stack([np.full(SHAPE, value, np.float16) for value in values])


def values_of(cache: ActivationCache, digests: list[bytes], view: int = 0) -> list[float | None]:
    """Return the first value of each cached row, None for rows that are not cached."""
    array = np.zeros((len(digests), *SHAPE), np.float16)
    cached = cache.find(digests, view, array)
    return [float(row[0, 0]) if hit else None for row, hit in zip(array, cached, strict=True)]


@pytest.fixture
def folder(tmp_path):
    ActivationCache(str(tmp_path), "net", SHAPE).add([A, B], 0, rows(1, 2))
    return tmp_path


def test_the_next_process_finds_rows_by_picture_and_view(folder):
    cache = ActivationCache(str(folder), "net", SHAPE)
    assert values_of(cache, [B, C, A]) == [2, None, 1]
    assert values_of(cache, [A], view=1) == [None]
    cache.add([C], 1, rows(3))
    assert values_of(ActivationCache(str(folder), "net", SHAPE), [C], view=1) == [3]


def test_a_picture_that_is_added_twice_does_not_move_other_rows(folder):
    ActivationCache(str(folder), "net", SHAPE).add([C, C], 0, rows(3, 3))
    cache = ActivationCache(str(folder), "net", SHAPE)
    cache.add([A], 1, rows(4))
    assert values_of(cache, [A, B, C]) == [1, 2, 3]
    assert values_of(cache, [A], view=1) == [4]


@pytest.mark.parametrize("name", [ACTIVATIONS_FILE, KEYS_FILE])
def test_what_a_killed_process_wrote_to_only_one_file_is_truncated(folder, name):
    with (folder / "net" / name).open("ab") as file:
        file.write(b"half a row or more than one of them" * 3)
    cache = ActivationCache(str(folder), "net", SHAPE)
    cache.add([C], 0, rows(3))
    assert values_of(ActivationCache(str(folder), "net", SHAPE), [A, B, C]) == [1, 2, 3]


def test_the_rows_of_another_network_are_removed(folder):
    assert values_of(ActivationCache(str(folder), "other", SHAPE), [A]) == [None]
    assert [path.name for path in folder.iterdir()] == ["other"]


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

import numpy as np
import pytest

from trainer_module.activations.activation_cache import FEATURES, KEYS, FeatureCache, identity

SHAPE = (2, 3)
A, B, C = (letter * 16 for letter in (b"a", b"b", b"c"))


def rows(*values: float) -> np.ndarray:
    return np.stack([np.full(SHAPE, value, np.float16) for value in values])


def found(cache: FeatureCache, digests: list[bytes], view: int = 0) -> list[float | None]:
    array = np.zeros((len(digests), *SHAPE), np.float16)
    known = cache.find(digests, view, array)
    return [float(row[0, 0]) if hit else None for row, hit in zip(array, known, strict=True)]


@pytest.fixture(name="folder")
def _folder(tmp_path):
    FeatureCache(str(tmp_path), "net", SHAPE).add([A, B], 0, rows(1, 2))
    return tmp_path


def test_rows_outlive_the_process_by_picture_and_view(folder):
    cache = FeatureCache(str(folder), "net", SHAPE)
    assert found(cache, [B, C, A]) == [2, None, 1]
    assert found(cache, [A], view=1) == [None]
    cache.add([C], 1, rows(3))
    assert found(FeatureCache(str(folder), "net", SHAPE), [C], view=1) == [3]


def test_a_picture_that_comes_twice_keeps_the_others_in_their_places(folder):
    FeatureCache(str(folder), "net", SHAPE).add([C, C], 0, rows(3, 3))
    cache = FeatureCache(str(folder), "net", SHAPE)
    cache.add([A], 1, rows(4))
    assert found(cache, [A, B, C]) == [1, 2, 3]
    assert found(cache, [A], view=1) == [4]


@pytest.mark.parametrize("name", [FEATURES, KEYS])
def test_what_a_killed_process_wrote_of_one_file_alone_is_cut_off(folder, name):
    with (folder / "net" / name).open("ab") as file:
        file.write(b"half a row or more than one of them" * 3)
    cache = FeatureCache(str(folder), "net", SHAPE)
    cache.add([C], 0, rows(3))
    assert found(FeatureCache(str(folder), "net", SHAPE), [A, B, C]) == [1, 2, 3]


def test_the_rows_of_another_network_are_removed(folder):
    assert found(FeatureCache(str(folder), "other", SHAPE), [A]) == [None]
    assert [path.name for path in folder.iterdir()] == ["other"]


def test_a_network_is_its_weights_and_its_settings():
    weights = [np.ones(3), np.zeros(2)]
    assert identity(weights, 128) == identity([np.ones(3), np.zeros(2)], 128)
    assert identity(weights, 128) != identity(weights, 96)
    assert identity(weights, 128) != identity([np.ones(3), np.ones(2)], 128)

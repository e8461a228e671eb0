import numpy as np
import pytest
from trainer_fixtures import SIZE, rows, write_split

from trainer_module.contract.errors import InputError
from trainer_module.data.input_data import (
    ordered_batches,
    picture_batches,
    read_pictures,
    training_batches,
)


@pytest.fixture(name="split")
def _split():
    return rows({"day": 0, "night": -20}, per_class=2, seed=1)


def test_pictures_are_in_the_order_of_their_names_whatever_the_order_of_records(tmp_path, split):
    forward = read_pictures([write_split(tmp_path / "a", split)], SIZE)
    backward = read_pictures([write_split(tmp_path / "b", split[::-1])], SIZE)
    np.testing.assert_array_equal(forward.image_ids, backward.image_ids)
    np.testing.assert_array_equal(forward.labels, backward.labels)
    assert list(forward.domains[:6]) == ["day"] * 6
    assert len(forward) == 12


def test_an_empty_split_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no pictures in"):
        read_pictures([write_split(tmp_path / "a", [])], SIZE)


def test_every_picture_comes_with_its_row_whatever_the_order_of_records(tmp_path, split):
    pictures = read_pictures([write_split(tmp_path / "a", split[::-1])], SIZE)
    by_name = {row.image_id: row.pixels for row in split}
    seen = set()
    for numbers, _, pixels in picture_batches(pictures, batch_size=5).as_numpy_iterator():
        assert pixels.shape == (5, SIZE, SIZE, 3)
        for number, found in zip(numbers, pixels, strict=True):
            name = pictures.image_ids[number].decode()
            np.testing.assert_array_equal(found, by_name[name])
            seen.add(name)
    assert seen == set(by_name)


def test_draws_depend_on_the_name_the_view_and_the_seed_not_on_the_order(tmp_path, split):
    forward = read_pictures([write_split(tmp_path / "a", split)], SIZE)
    backward = read_pictures([write_split(tmp_path / "b", split[::-1])], SIZE)

    def draws(pictures, view, seed):
        batches = picture_batches(pictures, 4, view, seed).as_numpy_iterator()
        return {n: tuple(d) for ns, ds, _ in batches for n, d in zip(ns, ds, strict=True)}

    first = draws(forward, view=1, seed=3)
    assert first == draws(backward, view=1, seed=3)
    assert len(set(first.values())) == len(split)
    for other in (draws(forward, view=2, seed=3), draws(forward, view=1, seed=4)):
        assert not set(first.values()) & set(other.values())


def column(values: list[int]) -> np.ndarray:
    return np.array(values, np.float16)[:, None]


def test_every_epoch_has_every_row_with_its_own_columns_in_full_batches():
    views = [column(range(20)), column(range(100, 120))]
    wanted = np.arange(5, 15)
    columns = (np.arange(10, dtype=np.int32), np.arange(10, dtype=np.float32) / 2)
    batches = training_batches(views, wanted, columns, np.ones(10), 10, batch_size=4, seed=1)
    for _ in range(2):
        found, targets, weights = (
            np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True)
        )
        assert len(targets) == 12
        assert set(targets) == set(range(10))
        np.testing.assert_array_equal(found[:, 0] % 100, targets + 5)
        np.testing.assert_array_equal(weights, targets / 2)


@pytest.mark.parametrize("weights", [np.ones(50), np.repeat([0.5, 1.5], 25)])
def test_epochs_differ_and_a_seed_repeats_them(weights):
    views = [column(range(50)), column(range(100, 150))]

    def two_epochs():
        batches = training_batches(
            views, np.arange(50), (np.zeros(50, np.int32),), weights, 50, batch_size=50, seed=1
        )
        return [part[0] for _ in (0, 1) for part in batches.as_numpy_iterator()]

    first, second = two_epochs(), two_epochs()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()
    assert set((first[0] // 100).ravel()) == {0, 1}


def test_a_row_comes_as_often_as_its_weight_says():
    weights = np.array([0.5, 0.5, 0.4, 0.6, 3.0])
    rows = np.arange(5)
    batches = training_batches([column(rows)], rows, (rows,), weights, 5, batch_size=5, seed=1)
    epochs = [batch[1] for _ in range(40) for batch in batches.as_numpy_iterator()]
    times = np.array([np.bincount(epoch, minlength=5) for epoch in epochs])
    assert (times.sum(axis=1) == 5).all()
    assert (times[:, 4] == 3).all()
    assert set(times[:, :4].ravel()) == {0, 1}
    np.testing.assert_allclose(times.mean(axis=0), weights, atol=0.2)


def test_an_epoch_has_as_many_rows_as_it_is_told_to():
    rows = np.arange(12)
    batches = training_batches([column(rows)], rows, (rows,), np.ones(12), 6, batch_size=3, seed=1)
    epochs = [np.concatenate([b[1] for b in batches.as_numpy_iterator()]) for _ in range(8)]
    assert {len(epoch) for epoch in epochs} == {6}
    assert {len(set(epoch)) for epoch in epochs} == {6}
    assert set(np.concatenate(epochs)) == set(rows)


def test_a_row_is_seen_in_the_views_that_it_has():
    few, more = column([0, 1, 2]), column([101])  # row 1 alone has a second view
    counts = np.array([1, 2, 1])
    batches = training_batches(
        [few, more],
        np.arange(3),
        (np.arange(3),),
        np.ones(3),
        3,
        batch_size=3,
        seed=1,
        counts=counts,
    )
    seen = {
        (int(row), int(value))
        for _ in range(20)
        for values, rows in batches
        for value, row in zip(values[:, 0], rows, strict=True)
    }
    assert seen == {(0, 0), (1, 1), (1, 101), (2, 2)}


def test_wanted_pictures_come_with_the_places_that_they_are_to_have(tmp_path, split):
    pictures = read_pictures([write_split(tmp_path / "a", split[::-1])], SIZE)
    places = np.full(len(pictures), -1)
    places[[7, 3]] = [0, 1]
    by_name = {row.image_id: row.pixels for row in split}
    [(numbers, _, pixels)] = picture_batches(pictures, 2, places=places).as_numpy_iterator()
    found = dict(zip(numbers, pixels, strict=True))
    for row, place in ((7, 0), (3, 1)):
        np.testing.assert_array_equal(found[place], by_name[pictures.image_ids[row].decode()])


def test_ordered_batches_keep_the_order_and_are_filled_up():
    batches = ordered_batches(column(range(100, 110)), np.arange(2, 9), 3)
    positions, found = (
        np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True)
    )
    np.testing.assert_array_equal(positions, [0, 1, 2, 3, 4, 5, 6, 0, 1])
    np.testing.assert_array_equal(found[:, 0], positions + 102)

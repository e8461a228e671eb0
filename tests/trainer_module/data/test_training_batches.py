import numpy as np
import pytest
import tensorflow as tf

from trainer_module.data.training_batches import ordered_batches, training_batches

pytestmark = pytest.mark.component


def column(values: list[int]) -> np.ndarray:
    return np.array(values, np.float16)[:, None]


def test_every_epoch_has_every_row_with_its_columns_in_full_batches():
    views = [column(range(20)), column(range(100, 120))]
    rows = np.arange(5, 15)
    columns = (np.arange(10, dtype=np.int32), np.arange(10, dtype=np.float32) / 2)
    batches = training_batches(views, rows, columns, np.ones(10), count=10, batch_size=4, seed=1)
    for _ in range(2):
        activations, targets, weights = (
            np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True)
        )
        assert len(targets) == 12
        assert set(targets) == set(range(10))
        np.testing.assert_array_equal(activations[:, 0] % 100, targets + 5)
        np.testing.assert_array_equal(weights, targets / 2)


@pytest.mark.parametrize("weights", [np.ones(50), np.repeat([0.5, 1.5], 25)])
def test_epochs_differ_and_a_seed_repeats_them(weights):
    views = [column(range(50)), column(range(100, 150))]

    def two_epochs():
        batches = training_batches(
            views,
            np.arange(50),
            (np.zeros(50, np.int32),),
            weights,
            count=50,
            batch_size=50,
            seed=1,
        )
        return [part[0] for _ in (0, 1) for part in batches.as_numpy_iterator()]

    first, second = two_epochs(), two_epochs()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()
    assert set((first[0] // 100).ravel()) == {0, 1}


def test_rows_are_drawn_as_often_as_their_weights_say():
    weights = np.array([0.5, 0.5, 0.4, 0.6, 3.0])
    rows = np.arange(5)
    batches = training_batches(
        [column(rows)], rows, (rows,), weights, count=5, batch_size=5, seed=1
    )
    epochs = [batch[1] for _ in range(40) for batch in batches.as_numpy_iterator()]
    times = np.array([np.bincount(epoch, minlength=5) for epoch in epochs])
    assert (times.sum(axis=1) == 5).all()
    assert (times[:, 4] == 3).all()
    assert set(times[:, :4].ravel()) == {0, 1}
    np.testing.assert_allclose(times.mean(axis=0), weights, atol=0.2)


def test_an_epoch_has_the_given_number_of_rows():
    rows = np.arange(12)
    batches = training_batches(
        [column(rows)], rows, (rows,), np.ones(12), count=6, batch_size=3, seed=1
    )
    epochs = [np.concatenate([batch[1] for batch in batches.as_numpy_iterator()]) for _ in range(8)]
    assert {len(epoch) for epoch in epochs} == {6}
    assert {len(set(epoch)) for epoch in epochs} == {6}
    assert set(np.concatenate(epochs)) == set(rows)


def test_a_row_is_seen_in_those_views_that_it_has():
    first_view, second_view = column([0, 1, 2]), column([101])  # only row 1 has a second view
    batches = training_batches(
        [first_view, second_view],
        np.arange(3),
        (np.arange(3),),
        np.ones(3),
        count=3,
        batch_size=3,
        seed=1,
        view_counts=np.array([1, 2, 1]),
    )
    seen = {
        (int(row), int(value))
        for _ in range(20)
        for values, rows in batches
        for value, row in zip(values[:, 0], rows, strict=True)
    }
    assert seen == {(0, 0), (1, 1), (1, 101), (2, 2)}


def test_ordered_batches_keep_the_order_and_are_filled_up():
    batches = ordered_batches(column(range(100, 110)), np.arange(2, 9), 3)
    positions, activations = (
        np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True)
    )
    np.testing.assert_array_equal(positions, [0, 1, 2, 3, 4, 5, 6, 0, 1])
    np.testing.assert_array_equal(activations[:, 0], positions + 102)


class ReadRows(np.ndarray):
    """An array that keeps the rows that are read."""

    def __getitem__(self, rows):
        self.log.extend(np.ravel(rows).tolist())
        return np.asarray(self)[rows]


@pytest.mark.parametrize(("workers", "devices"), [(2, 1), (3, 1), (2, 2)])
@pytest.mark.parametrize("weights", [np.ones(10), np.linspace(0.5, 1.5, 10)])
def test_workers_read_their_part_of_every_batch_and_together_the_whole_batch(
    workers, devices, weights
):
    def epochs(context=None):
        view = np.arange(10, dtype=np.float16)[:, np.newaxis].view(ReadRows)
        view.log = []
        columns = (np.arange(10),)
        batches = training_batches(
            [view], np.arange(10), columns, weights, count=10, batch_size=5, seed=1, context=context
        )
        view.log.clear()  # of the example of a batch
        parts = [part[1].tolist() for _ in range(2) for part in batches.as_numpy_iterator()]
        return parts, view.log

    whole, _ = epochs()
    replicas = workers * devices
    results = [
        epochs(tf.distribute.InputContext(workers, index, replicas)) for index in range(workers)
    ]
    for parts, log in results:
        assert sorted(log) == sorted(row for part in parts for row in part)
    for number, batch in enumerate(whole):
        of_devices = [
            parts[number * devices + device] for parts, _ in results for device in range(devices)
        ]
        assert [row for part in of_devices for row in part] == batch
        assert max(map(len, of_devices)) - min(map(len, of_devices)) <= 1

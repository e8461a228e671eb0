import keras
import numpy as np
import pytest
import tensorflow as tf
from trainer_fixtures import SIZE, rows, write_split

from trainer_module.errors import InputError
from trainer_module.input_data import (
    ArrayOnDisk,
    feature_array,
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


def test_features_land_in_the_row_of_their_picture(tmp_path, split):
    pictures = read_pictures([write_split(tmp_path / "a", split[::-1])], SIZE)
    inputs = keras.Input((SIZE, SIZE, 3))
    mean = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    strategy = tf.distribute.get_strategy()
    batches = picture_batches(pictures, batch_size=5)
    found = feature_array(pictures, batches, mean, strategy, "float32", str(tmp_path))
    by_name = {row.image_id: row.pixels.mean(axis=(0, 1)) for row in split}
    expected = [by_name[name.decode()] for name in pictures.image_ids]
    np.testing.assert_allclose(found.values, expected, rtol=1e-5)


def test_views_depend_on_the_name_and_the_seed_not_on_the_order(tmp_path, split):
    forward = read_pictures([write_split(tmp_path / "a", split)], SIZE)
    backward = read_pictures([write_split(tmp_path / "b", split[::-1])], SIZE)

    def views(pictures, seed):
        batches = picture_batches(pictures, 4, view=1, augmentation="light", seed=seed)
        return {
            n: v
            for ids, pixels in batches
            for n, v in zip(ids.numpy(), pixels.numpy(), strict=True)
        }

    first, second, other = views(forward, 3), views(backward, 3), views(forward, 4)
    for name, pixels in first.items():
        np.testing.assert_array_equal(pixels, second[name])
    assert any(np.abs(first[name] - other[name]).max() > 10 for name in first)


def array(values: np.ndarray, tmp_path) -> ArrayOnDisk:
    made = ArrayOnDisk(values.shape, "float32", str(tmp_path))
    made.values[:] = values
    return made


def test_an_array_on_disk_leaves_no_file_behind(tmp_path):
    made = array(np.ones((3, 2)), tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert made.values.sum() == 6


def test_every_epoch_has_every_row_with_its_own_target_in_full_batches(tmp_path):
    values = np.arange(10, dtype=np.float32)[:, None]
    views = [array(values, tmp_path), array(values + 100, tmp_path)]
    batches = training_batches(views, np.arange(10, dtype=np.int32), batch_size=4, seed=1)
    for _ in range(2):
        features, targets = (
            np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True)
        )
        assert len(targets) == 12
        assert set(targets) == set(range(10))
        np.testing.assert_array_equal(features[:, 0] % 100, targets)


def test_epochs_differ_and_a_seed_repeats_them(tmp_path):
    views = [array(np.arange(50, dtype=np.float32)[:, None] + 100 * n, tmp_path) for n in (0, 1)]

    def two_epochs():
        batches = training_batches(views, np.zeros(50, np.int32), batch_size=50, seed=1)
        return [part[0] for _ in (0, 1) for part in batches.as_numpy_iterator()]

    first, second = two_epochs(), two_epochs()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()
    assert set((first[0] // 100).ravel()) == {0, 1}


def test_ordered_batches_keep_the_order_and_are_filled_up(tmp_path):
    values = np.arange(7, dtype=np.float32)[:, None]
    batches = ordered_batches(array(values, tmp_path), 3)
    found = np.concatenate(list(batches))[:, 0]
    np.testing.assert_array_equal(found, [0, 1, 2, 3, 4, 5, 6, 0, 1])

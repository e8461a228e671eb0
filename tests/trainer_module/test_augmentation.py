import numpy as np
import tensorflow as tf

from trainer_module.augmentation import augment

PICTURE = tf.constant(np.random.default_rng(0).uniform(0, 255, (16, 16, 3)), tf.float32)


def test_none_changes_nothing():
    np.testing.assert_array_equal(augment(PICTURE, tf.constant([1, 2]), "none"), PICTURE)


def test_the_same_seed_gives_the_same_view_and_another_seed_another():
    first = augment(PICTURE, tf.constant([1, 2]), "light")
    np.testing.assert_array_equal(augment(PICTURE, tf.constant([1, 2]), "light"), first)
    assert np.abs(augment(PICTURE, tf.constant([1, 3]), "light") - first).max() > 10


def test_views_keep_shape_and_range():
    view = augment(PICTURE, tf.constant([5, 6]), "light").numpy()
    assert view.shape == (16, 16, 3)
    assert view.min() >= 0
    assert view.max() <= 255

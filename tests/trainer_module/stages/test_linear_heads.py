import numpy as np
import pytest
import tensorflow as tf

from trainer_module.stages.linear_heads import Recipe, cross_entropy, recipe_grid, weighted_mean

pytestmark = pytest.mark.component


def test_the_grid_starts_with_every_smoothing_of_the_first_weight_decay():
    grid = recipe_grid((0.0, 0.01), (0.0, 0.1))
    assert grid == (Recipe(0.0, 0.0), Recipe(0.0, 0.1), Recipe(0.01, 0.0), Recipe(0.01, 0.1))


def test_smoothing_is_part_of_the_loss():
    losses = cross_entropy(
        tf.constant([[[2.0, 0.0, 0.0]] * 2]), tf.constant([0]), tf.constant([0.0, 0.3])
    )
    probability = np.exp(2) / (np.exp(2) + 2)
    other = 1 / (np.exp(2) + 2)
    smoothed = -0.8 * np.log(probability) - 0.2 * np.log(other)
    np.testing.assert_allclose(losses, [[-np.log(probability), smoothed]], rtol=1e-5)


def test_the_weighted_mean_is_summed_over_heads():
    losses = tf.constant([[1.0, 10.0], [3.0, 30.0], [100.0, 100.0]])
    unused = tf.zeros((3, 1)), tf.zeros(3, tf.int32)
    assert float(weighted_mean(losses, tf.constant([3.0, 1.0, 0.0]), *unused)) == 1.5 + 15
    assert float(weighted_mean(losses, tf.zeros(3), *unused)) == 0.0

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer_module.backbones import split_at
from trainer_module.stages.fine_tuning_stage import freeze_boundary
from trainer_module.stages.training_step import MAX_NORM, _clip_by_global_norm, rate_factors

pytestmark = pytest.mark.component


def test_lower_blocks_have_smaller_learning_rates(efficientnet):
    _, above_boundary = split_at(efficientnet.backbone.model, freeze_boundary(efficientnet, 0.5))
    trained_part = keras.Model(above_boundary.input, efficientnet.head(above_boundary.output))
    factors = rate_factors(trained_part, efficientnet, decay=0.5)
    assert len(factors) == len(trained_part.trainable_variables)
    assert factors[-1] == 1.0  # the head
    assert factors[-3] == 0.5  # the top block
    assert factors == sorted(factors)
    assert factors[0] < 0.01


@pytest.mark.parametrize(("size", "scale"), [(30.0, 1.0), (30.0, 1024.0), (0.3, 1.0)])
def test_gradients_are_shortened_together_and_only_if_they_are_long(size, scale):
    gradients = [np.array([size, 0.0], np.float32), np.array([[size]], np.float32)]
    length = size * 2**0.5
    clipped = _clip_by_global_norm(
        [tf.constant(gradient * scale) for gradient in gradients], tf.constant(scale)
    )
    for one, gradient in zip(clipped, gradients, strict=True):
        expected = gradient * min(1, MAX_NORM / length) * scale
        np.testing.assert_allclose(one, expected, rtol=1e-5)
